//! Quadrature nodes of both levels: common to all, or adapted to each cluster and unit.
//!
//! Adaptive quadrature (Rabe-Hesketh, Skrondal & Pickles 2005): with z = m + S ζ,
//! ∫ g(z) φ(z) dz ≈ Σ_q w_q g(z_q) φ(z_q) |S| / φ(ζ_q).

use std::sync::Arc;

use crate::compiled::working::semidefinite_cholesky;
use crate::quadrature::Rule;
use crate::vector;

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

    /// [dims × first] values of the first nodes of a cluster or unit.
    pub fn z(&self, of: usize, first: usize) -> Vec<f64> {
        let n = self.n;
        let mut out = vec![0.0; self.dims * first];
        for (i, out) in out.chunks_exact_mut(first.max(1)).enumerate() {
            match &self.moments {
                None => out.copy_from_slice(&self.z[i * n..i * n + first]),
                Some(m) => self.move_nodes(&m[of], i, out),
            }
        }
        out
    }

    /// Values of the first nodes in dimension i, moved to a posterior.
    fn move_nodes(&self, m: &Moments, i: usize, out: &mut [f64]) {
        out.fill(m.mean[i]);
        let scale = &m.scale[i * self.dims..i * self.dims + i + 1];
        for (scale, z) in scale.iter().zip(self.z.chunks_exact(self.n)) {
            vector::add_scaled(out, *scale, &z[..out.len()], false);
        }
    }

    /// Log weights of a cluster's or unit's nodes.
    pub fn fill_log_weights(&self, of: usize, out: &mut [f64]) {
        out.copy_from_slice(&self.log_weights);
        let Some(m) = self.moments.as_ref().map(|m| &m[of]) else { return };
        let (d, n) = (self.dims, self.n);
        let log_det: f64 = (0..d).map(|k| m.scale[k * d + k].ln()).sum();
        out.iter_mut().for_each(|w| *w += log_det);
        let mut moved = vec![0.0; n];
        for (i, z) in self.z.chunks_exact(n).enumerate() {
            self.move_nodes(m, i, &mut moved);
            vector::add_product(out, 0.5, z, z, false);
            vector::add_product(out, -0.5, &moved, &moved, false);
        }
    }

    /// Posterior location and scale of a cluster's or unit's nodes, from weights [… × node].
    pub fn moments(&self, of: usize, posterior: &[f64]) -> Moments {
        let n = self.n;
        let mut by_node = vec![0.0; n];
        posterior.chunks_exact(n).for_each(|p| by_node.iter_mut().zip(p).for_each(|(b, p)| *b += p));
        weighted_moments(&self.z(of, n), self.dims, &by_node)
    }
}

/// Mean and Cholesky factor of the covariance of nodes under unnormalised weights.
fn weighted_moments(z: &[f64], dims: usize, weights: &[f64]) -> Moments {
    let n = weights.len();
    let total: f64 = weights.iter().sum();
    let mut out = Moments { mean: vec![0.0; dims], scale: vec![0.0; dims * dims] };
    for k in 0..dims {
        out.scale[k * dims + k] = 1.0;
    }
    if total <= 0.0 {
        return out;
    }
    for k in 0..dims {
        out.mean[k] = (0..n).map(|q| weights[q] * z[k * n + q]).sum::<f64>() / total;
    }
    let mut covariance = vec![0.0; dims * (dims + 1) / 2];
    for i in 0..dims {
        for j in 0..=i {
            let c: f64 =
                (0..n).map(|q| weights[q] * (z[i * n + q] - out.mean[i]) * (z[j * n + q] - out.mean[j])).sum::<f64>()
                    / total;
            covariance[i * (i + 1) / 2 + j] = c + if i == j { 1e-6 } else { 0.0 };
        }
    }
    if let Some(l) = semidefinite_cholesky(&covariance, dims) {
        for i in 0..dims {
            for j in 0..=i {
                out.scale[i * dims + j] = l[i * (i + 1) / 2 + j];
            }
        }
    }
    out
}

#[derive(Clone, Debug)]
pub struct Nodes {
    pub between: NodeSet,
    pub within: NodeSet,
}

impl Nodes {
    pub fn are_adapted(&self) -> bool {
        self.between.is_adapted() || self.within.is_adapted()
    }
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
    /// `used`: how many of the (between, within) nodes differ in the dimensions that matter; the first ones are taken.
    pub fn fill(&mut self, nodes: &Nodes, used: (usize, usize), cluster: usize, unit: usize) {
        self.between.clear();
        self.within.clear();
        let (nb, nw) = used;
        self.n = nb * nw;
        if nb > 1 || nodes.between.dims > 0 && nodes.between.n == 1 {
            let z = nodes.between.z(cluster, nb);
            if nw == 1 {
                self.between = z;
            } else {
                z.iter().for_each(|v| self.between.extend(std::iter::repeat_n(*v, nw)));
            }
        }
        if nw > 1 || nodes.within.dims > 0 && nodes.within.n == 1 {
            let z = nodes.within.z(unit, nw);
            for k in 0..nodes.within.dims {
                for _ in 0..nb {
                    self.within.extend_from_slice(&z[k * nw..(k + 1) * nw]);
                }
            }
        }
    }
}
