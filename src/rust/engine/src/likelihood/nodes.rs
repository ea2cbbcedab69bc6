//! Quadrature nodes of both levels: common to all, or adapted to each cluster and unit.
//!
//! Adaptive quadrature (Rabe-Hesketh, Skrondal & Pickles 2005): with z = m + S ζ,
//! ∫ g(z) φ(z) dz ≈ Σ_q w_q g(z_q) φ(z_q) |S| / φ(ζ_q).

use crate::compiled::factor::Axis;
use crate::quadrature::Rule;

/// Location and lower-triangular scale of one cluster's or unit's posterior (row by row, [dims × dims]).
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    pub mean: Vec<f64>,
    pub scale: Vec<f64>,
}

#[derive(Clone, Debug)]
struct Adapted {
    /// [dims × n], one dimension after the other.
    z: Vec<f64>,
    log_weights: Vec<f64>,
}

/// Nodes of one level.
#[derive(Clone, Debug)]
pub struct NodeSet {
    pub dims: usize,
    pub n: usize,
    z: Vec<f64>,
    log_weights: Vec<f64>,
    adapted: Option<Vec<Adapted>>,
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
        NodeSet { dims, n, z, log_weights: rule.log_weights.clone(), adapted: None }
    }

    pub fn is_adapted(&self) -> bool {
        self.adapted.is_some()
    }

    /// [dims × n] node values of a cluster or unit.
    #[inline]
    pub fn z(&self, of: usize) -> &[f64] {
        self.adapted.as_ref().map_or(&self.z, |a| &a[of].z)
    }

    #[inline]
    pub fn log_weights(&self, of: usize) -> &[f64] {
        self.adapted.as_ref().map_or(&self.log_weights, |a| &a[of].log_weights)
    }

    /// Moves the nodes of every cluster (or unit) to its posterior; `None` returns to common nodes.
    pub fn adapt(&mut self, moments: Option<&[Moments]>) {
        self.adapted = match moments {
            Some(m) if self.dims > 0 => Some(m.iter().map(|m| self.place(m)).collect()),
            _ => None,
        };
    }

    fn place(&self, m: &Moments) -> Adapted {
        let (d, n) = (self.dims, self.n);
        let mut z = vec![0.0; d * n];
        let mut log_weights = self.log_weights.clone();
        let log_det: f64 = (0..d).map(|k| m.scale[k * d + k].ln()).sum();
        for w in log_weights.iter_mut() {
            *w += log_det;
        }
        for i in 0..d {
            for q in 0..n {
                let mut v = m.mean[i];
                for k in 0..=i {
                    v += m.scale[i * d + k] * self.z[k * n + q];
                }
                z[i * n + q] = v;
                log_weights[q] += 0.5 * (self.z[i * n + q] * self.z[i * n + q] - v * v);
            }
        }
        Adapted { z, log_weights }
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
                self.between.extend_from_slice(nodes.between.z(cluster));
            }
            Axis::Within => {
                self.n = nodes.within.n;
                self.within.extend_from_slice(nodes.within.z(unit));
            }
            Axis::Both => {
                let (nb, nw) = (nodes.between.n, nodes.within.n);
                self.n = nb * nw;
                for k in 0..nodes.between.dims {
                    for q in 0..nb {
                        self.between.extend(std::iter::repeat_n(nodes.between.z(cluster)[k * nb + q], nw));
                    }
                }
                for k in 0..nodes.within.dims {
                    for _ in 0..nb {
                        self.within.extend_from_slice(&nodes.within.z(unit)[k * nw..(k + 1) * nw]);
                    }
                }
            }
        }
    }
}
