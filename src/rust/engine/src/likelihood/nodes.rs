//! Quadrature nodes of both levels: common to all, or adapted to each cluster and unit.
//!
//! Adaptive quadrature (Rabe-Hesketh, Skrondal & Pickles 2005): with z = m + S ζ,
//! ∫ g(z) φ(z) dz ≈ Σ_q w_q g(z_q) φ(z_q) |S| / φ(ζ_q).

use std::sync::Arc;

use crate::compiled::factor::Axis;
use crate::quadrature::Rule;

/// Location and lower-triangular scale of one cluster's or unit's posterior (row by row, [dims × dims]).
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    pub mean: Vec<f64>,
    pub scale: Vec<f64>,
}

/// Nodes of one level. Adapted nodes are worked out from the moments when they are needed, not stored.
#[derive(Clone, Debug)]
pub struct NodeSet {
    pub dims: usize,
    pub n: usize,
    /// [dims × n], one dimension after the other.
    z: Vec<f64>,
    log_weights: Vec<f64>,
    moments: Option<Arc<Vec<Moments>>>,
}

impl NodeSet {
    pub fn new(rule: &Rule) -> NodeSet {
        let (dims, n) = (rule.dims, rule.n_nodes);
        let mut z = vec![0.0; dims * n];
        for q in 0..n {
            for k in 0..dims {
                z[k * n + q] = rule.nodes[q * dims + k];
            }
        }
        NodeSet { dims, n, z, log_weights: rule.log_weights.clone(), moments: None }
    }

    pub fn is_adapted(&self) -> bool {
        self.moments.is_some()
    }

    /// Moves the nodes of every cluster (or unit) to its posterior; `None` returns to common nodes.
    pub fn adapt(&mut self, moments: Option<Vec<Moments>>) {
        self.moments = moments.filter(|_| self.dims > 0).map(Arc::new);
    }

    /// Appends the [dims × n] node values of a cluster or unit.
    pub fn extend_z(&self, of: usize, out: &mut Vec<f64>) {
        let Some(m) = self.moments.as_ref().map(|m| &m[of]) else {
            out.extend_from_slice(&self.z);
            return;
        };
        let (d, n) = (self.dims, self.n);
        for i in 0..d {
            for q in 0..n {
                out.push(m.mean[i] + (0..=i).map(|k| m.scale[i * d + k] * self.z[k * n + q]).sum::<f64>());
            }
        }
    }

    pub fn z(&self, of: usize) -> Vec<f64> {
        let mut out = Vec::with_capacity(self.dims * self.n);
        self.extend_z(of, &mut out);
        out
    }

    /// Log weights of a cluster's or unit's nodes.
    pub fn fill_log_weights(&self, of: usize, out: &mut [f64]) {
        out.copy_from_slice(&self.log_weights);
        let Some(m) = self.moments.as_ref().map(|m| &m[of]) else { return };
        let (d, n) = (self.dims, self.n);
        let log_det: f64 = (0..d).map(|k| m.scale[k * d + k].ln()).sum();
        out.iter_mut().for_each(|w| *w += log_det);
        for i in 0..d {
            for (q, w) in out.iter_mut().enumerate() {
                let base = self.z[i * n + q];
                let moved = m.mean[i] + (0..=i).map(|k| m.scale[i * d + k] * self.z[k * n + q]).sum::<f64>();
                *w += 0.5 * (base * base - moved * moved);
            }
        }
    }
}

#[derive(Clone, Debug)]
pub struct Nodes {
    pub between: NodeSet,
    pub within: NodeSet,
}

/// Node values along a factor's axis for one cluster and unit.
#[derive(Clone, Debug, Default)]
pub struct NodeView {
    pub n: usize,
    /// [dims × n]
    pub between: Vec<f64>,
    pub within: Vec<f64>,
}

impl NodeView {
    pub fn fill(&mut self, nodes: &Nodes, axis: Axis, cluster: usize, unit: usize) {
        self.between.clear();
        self.within.clear();
        match axis {
            Axis::None => self.n = 1,
            Axis::Between => {
                self.n = nodes.between.n;
                nodes.between.extend_z(cluster, &mut self.between);
            }
            Axis::Within => {
                self.n = nodes.within.n;
                nodes.within.extend_z(unit, &mut self.within);
            }
            Axis::Both => {
                let (nb, nw) = (nodes.between.n, nodes.within.n);
                self.n = nb * nw;
                for v in nodes.between.z(cluster) {
                    self.between.extend(std::iter::repeat_n(v, nw));
                }
                let within = nodes.within.z(unit);
                for k in 0..nodes.within.dims {
                    for _ in 0..nb {
                        self.within.extend_from_slice(&within[k * nw..(k + 1) * nw]);
                    }
                }
            }
        }
    }
}
