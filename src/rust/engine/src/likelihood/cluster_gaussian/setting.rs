//! What every evaluation of the clusters' factors starts from: coefficients at the nodes, and the blocks' covariances.

use crate::compiled::cluster_moments::{Block, Piece, Portion};
use crate::compiled::factor::{Factor, FactorKind};
use crate::compiled::ClusterGaussian;
use crate::likelihood::coefficients::{self, Frame};
use crate::likelihood::gaussian::theta;
use crate::likelihood::joint_normal::{Source, Theta};
use crate::likelihood::nodes::Nodes;
use crate::likelihood::predictor::{Affine, Point, Workspace};

/// Coefficients of every factor and scope cell at the nodes of one piece.
#[derive(Default)]
pub(super) struct Evaluated {
    /// [cell][factor][outcomes]
    coefficients: Vec<Vec<Affine>>,
}

/// What one evaluation of the clusters' factors needs.
pub(super) struct Setting<'a> {
    pub point: &'a Point<'a>,
    pub nodes: &'a Nodes,
    pub g: &'a ClusterGaussian,
    pub factors: Vec<&'a Factor>,
    pub n_cells: usize,
    pub n_nodes: usize,
}

impl<'a> Setting<'a> {
    pub fn new(point: &'a Point<'a>, nodes: &'a Nodes, g: &'a ClusterGaussian) -> Self {
        let program = point.program;
        Setting {
            point,
            nodes,
            g,
            factors: g.factors().collect(),
            n_cells: program.model.n_cells(&g.classes),
            n_nodes: if g.uses_nodes { program.n_nodes.0 } else { 1 },
        }
    }

    fn set_state(&self, cell: usize, w: &mut Workspace) {
        w.state.resize(self.point.program.model.classes.len(), 0);
        self.point.program.model.set_states(&self.g.classes, cell, &mut w.state);
    }

    pub fn evaluate(&self, piece: &Piece, derivatives: bool, w: &mut Workspace, out: &mut Evaluated) {
        let frame = Frame { slot_of: &self.g.slot_of, n_between: self.g.n_dims, derivatives };
        out.coefficients.resize_with(self.n_cells * self.factors.len(), Vec::new);
        for (cell, out) in out.coefficients.chunks_exact_mut(self.factors.len()).enumerate() {
            self.set_state(cell, w);
            for (f, out) in self.factors.iter().zip(out) {
                let used = if f.axis.between() { self.point.program.n_nodes.0 } else { 1 };
                w.view.fill(self.nodes, (used, 1), piece.clusters.start, 0);
                coefficients::evaluate(self.point, f, frame, w, out);
            }
        }
    }

    /// Calls `each` for every cell and node of a portion's block, with (cell × nodes + node, the block's source,
    /// the factor's own node); false where a variance is not positive.
    pub fn each(
        &self,
        evaluated: &Evaluated,
        portion: &Portion,
        w: &mut Workspace,
        mut each: impl FnMut(usize, &Source, usize) -> bool,
    ) -> bool {
        (0..self.n_cells).all(|cell| {
            let Some((block, theta, x)) = self.block(portion.block, cell, w) else { return false };
            let source = self.source(evaluated, block, cell, &theta, &x);
            let own = source.coefficients[0].n;
            (0..self.n_nodes).all(|q| each(cell * self.n_nodes + q, &source, if own == 1 { 0 } else { q }))
        })
    }

    /// Block, residual covariance and columns of its representative row.
    pub fn block(&self, block: usize, cell: usize, w: &mut Workspace) -> Option<(&'a Block, Theta, Vec<f64>)> {
        let program = self.point.program;
        let block = &self.g.moments.blocks[block];
        let f = self.factors[block.factor];
        let (FactorKind::Gaussian(group), Some(linear)) = (&f.kind, &f.linear) else { return None };
        self.set_state(cell, w);
        let outcomes: Vec<usize> = block.observed.iter().map(|&i| group[i]).collect();
        let theta = theta(self.point, &outcomes, &w.state, &self.g.slot_of)?;
        let mut x = vec![0.0; linear.n_columns];
        linear.fill_x(&program.sample.columns, block.row, &mut x);
        Some((block, theta, x))
    }

    pub fn source<'b>(
        &self,
        evaluated: &'b Evaluated,
        block: &'b Block,
        cell: usize,
        theta: &'b Theta,
        x: &'b [f64],
    ) -> Source<'b> {
        Source {
            coefficients: &evaluated.coefficients[cell * self.factors.len() + block.factor],
            observed: &block.observed,
            n_within: self.factors[block.factor].analytic.len(),
            n_between: self.g.n_dims,
            m: x.len(),
            theta,
            x,
        }
    }
}
