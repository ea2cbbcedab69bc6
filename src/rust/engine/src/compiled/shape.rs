//! How the values of each factor group spread over the common axis (between cell, between node, within node).

use super::Group;
use crate::spec::Model;

/// How a group's values [unit × inner] spread over [unit × outer].
#[derive(Clone, Debug)]
pub enum Broadcast {
    Same,
    /// inner = 1
    Scalar,
    /// The inner values over and over.
    Tile,
    /// inner index of each outer index
    Map(Vec<u32>),
}

#[derive(Clone, Debug, Default)]
pub struct Shape {
    pub n_outer: usize,
    pub broadcast: Vec<Broadcast>,
    /// [groups] between cells × nodes
    pub inner: Vec<usize>,
}

impl Shape {
    /// `between`: all between class variables; `n_nodes`: of the between and the within level.
    pub fn new(model: &Model, between: &[usize], groups: &[Group], n_nodes: (usize, usize)) -> Shape {
        let (nb, nw) = n_nodes;
        let cells = model.n_cells(between);
        let n_outer = cells * nb * nw;
        let describe = |g: &Group| {
            let nodes = g.nodes.0 * g.nodes.1;
            let inner = g.n_between * nodes;
            if inner == 1 {
                return (inner, if n_outer == 1 { Broadcast::Same } else { Broadcast::Scalar });
            }
            let mut map = vec![0u32; n_outer];
            for d in 0..cells {
                let cb = cell_over(model, between, &g.between, d);
                for qb in 0..nb {
                    for qw in 0..nw {
                        let node = (qb % g.nodes.0) * g.nodes.1 + qw % g.nodes.1;
                        map[(d * nb + qb) * nw + qw] = (cb * nodes + node) as u32;
                    }
                }
            }
            let tile = map.iter().enumerate().all(|(i, &m)| i % inner == m as usize);
            let how = match (tile, inner == n_outer) {
                (true, true) => Broadcast::Same,
                (true, false) => Broadcast::Tile,
                (false, _) => Broadcast::Map(map),
            };
            (inner, how)
        };
        let (inner, broadcast) = groups.iter().map(describe).unzip();
        Shape { n_outer, inner, broadcast }
    }
}

/// Cell over `some` (a subset, in the same order) of a cell over `all` class variables.
pub fn cell_over(model: &Model, all: &[usize], some: &[usize], mut cell: usize) -> usize {
    let (mut out, mut stride, mut place) = (0, 1, 0);
    for &c in all {
        let k = model.classes[c].n_classes;
        if place < some.len() && some[place] == c {
            out += (cell % k) * stride;
            stride *= k;
            place += 1;
        }
        cell /= k;
    }
    out
}
