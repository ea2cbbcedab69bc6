//! What the predictors of an outcome or of class logits are made of in each class cell of a run of designs: terms,
//! values of latents at the nodes, and derivatives.

use std::ops::Range;

use super::nodes::Nodes;
use super::predictor::{self, latents, Affine, Point, Workspace};
use super::rows::is_plain;
use super::table::{at, class_stride, each_cell, set_view};
use crate::compiled::factor::{Factor, FactorKind, NONE};
use crate::spec::{Coefficient, Predictor};

/// One class cell of a run of designs: where it stands in the table, and what its predictors are made of.
#[derive(Default)]
pub(super) struct Cell {
    pub within: usize,
    pub between: usize,
    pub terms: Vec<Term>,
    /// Distinct products of latents at the nodes, with derivatives; the first is 1.
    pub products: Vec<Affine>,
    pub auxiliary: Vec<f64>,
    pub entries: Vec<Entry>,
}

pub(super) struct Term {
    pub predictor: usize,
    pub coefficient: f64,
    pub covariate: Option<usize>,
    pub product: usize,
}

/// A derivative: of predictor (or auxiliary parameter) `of` with respect to `slot`, `scale` × covariate × along the nodes.
pub(super) struct Entry {
    pub slot: u32,
    pub of: usize,
    pub covariate: Option<usize>,
    pub scale: f64,
    pub along: Along,
}

/// What varies with the node.
#[derive(Clone, Copy)]
pub(super) enum Along {
    One,
    /// Value of a product of latents.
    Value(usize),
    /// One of its derivatives.
    Derivative(usize, usize),
}

/// The cells of a run; those of earlier runs are used again.
#[derive(Default)]
pub(super) struct Cells {
    all: Vec<Cell>,
    n: usize,
}

impl Cells {
    pub fn iter(&self) -> std::slice::Iter<'_, Cell> {
        self.all[..self.n].iter()
    }

    fn next(&mut self, within: usize, between: usize) -> &mut Cell {
        if self.n == self.all.len() {
            self.all.push(Cell::default());
        }
        self.n += 1;
        let cell = &mut self.all[self.n - 1];
        (cell.within, cell.between) = (within, between);
        cell.terms.clear();
        cell.products.clear();
        cell.auxiliary.clear();
        cell.entries.clear();
        cell
    }
}

impl Cell {
    /// Derivatives with respect to what is fixed (or not wanted) are left out.
    fn add(&mut self, entry: Entry) {
        if entry.slot != NONE {
            self.entries.push(entry);
        }
    }

    pub fn along(&self, a: Along) -> Option<&[f64]> {
        match a {
            Along::One => None,
            Along::Value(p) => Some(&self.products[p].value),
            Along::Derivative(p, e) => Some(self.products[p].derivative_of(e)),
        }
    }
}

/// Predictors and auxiliary coefficients of the factor.
pub(super) fn parts<'a>(point: &'a Point, f: &Factor) -> (&'a [Predictor], &'a [Coefficient]) {
    let model = &point.program.model;
    match f.kind {
        FactorKind::Outcome(o) => (&model.outcomes[o].predictors, &model.outcomes[o].auxiliary),
        FactorKind::Logits(c) => (&model.classes[c].logits, &[]),
        _ => (&[], &[]),
    }
}

/// Sets the cells of the factor; those of a class's own states are one. Latents are evaluated at the run's first design.
pub(super) fn cells(
    point: &Point,
    nodes: &Nodes,
    f: &Factor,
    run: &Range<usize>,
    derivatives: bool,
    w: &mut Workspace,
    out: &mut Cells,
) {
    let (predictors, auxiliary) = parts(point, f);
    let own = if let FactorKind::Logits(c) = f.kind { Some(c) } else { None };
    let place = |column: usize| f.covariates.iter().position(|&c| c == column).unwrap_or(0);
    if is_plain(f) {
        w.view.n = 1;
    } else {
        set_view(point.program, nodes, f, run.start, w);
    }
    out.n = 0;
    let by_class = f.latents.iter().any(|&l| !point.program.plan.reach[l].classes.is_empty());
    // distinct products of latents; the first product, 1, is not among them
    let mut of_product: Vec<&[usize]> = vec![];
    each_cell(point.program, f, w, |w, within, between| {
        if own.is_some_and(|c| w.state[c] != 0) {
            return true;
        }
        if out.n == 0 || by_class {
            latents(point, &f.latents, &at(f, run.start, derivatives), w);
        }
        let parameter = |c: &Coefficient| c.parameter(&w.state).filter(|_| derivatives);
        let slot = |c: &Coefficient| parameter(c).map_or(NONE, |p| f.slot_of[p]);
        of_product.clear();
        let cell = out.next(within, between);
        for (of, p) in predictors.iter().enumerate() {
            for t in &p.terms {
                let found = of_product.iter().position(|l| *l == &t.latents[..]);
                let product = match found {
                    _ if t.latents.is_empty() => 0,
                    Some(place) => place + 1,
                    None => {
                        of_product.push(&t.latents);
                        of_product.len()
                    }
                };
                let coefficient = t.coefficient.value(&w.state, point.parameters);
                let covariate = t.covariate.map(place);
                cell.terms.push(Term { predictor: of, coefficient, covariate, product });
                let along = if product == 0 { Along::One } else { Along::Value(product) };
                cell.add(Entry { slot: slot(&t.coefficient), of, covariate, scale: 1.0, along });
            }
        }
        let Cell { terms, products, entries, .. } = cell;
        products.push(Affine::default());
        products.extend(of_product.iter().map(|l| product(l, &w.latents, w.view.n, derivatives)));
        for t in terms {
            for (e, &slot) in products[t.product].slots.iter().enumerate() {
                let along = Along::Derivative(t.product, e);
                let (of, covariate, scale) = (t.predictor, t.covariate, t.coefficient);
                entries.extend((slot != NONE).then_some(Entry { slot, of, covariate, scale, along }));
            }
        }
        for (k, a) in auxiliary.iter().enumerate() {
            cell.auxiliary.push(a.value(&w.state, point.parameters));
            let of = predictors.len() + k;
            cell.add(Entry { slot: slot(a), of, covariate: None, scale: 1.0, along: Along::One });
        }
        true
    });
}

/// Product of at most two latents at the nodes; none: 1.
fn product(which: &[usize], latents: &[Affine], n: usize, derivatives: bool) -> Affine {
    match *which {
        [] => Affine::default(),
        [l] => latents[l].clone(),
        [a, b, ..] => {
            let (f, g) = (&latents[a], &latents[b]);
            let mut out = Affine::default();
            out.reset(n, 1);
            predictor::multiply(&mut out.value, n, &f.value, &g.value);
            if derivatives {
                for (f, g) in [(f, g), (g, f)] {
                    for (e, &slot) in f.slots.iter().enumerate() {
                        let start = out.entry(slot);
                        let to = &mut out.derivative[start..start + n];
                        let both = f.derivative_of(e).iter().zip(&g.value);
                        to.iter_mut().zip(both).for_each(|(o, (d, g))| *o += d * g);
                    }
                }
            }
            out
        }
    }
}

/// [within cell] the slots whose derivative need not be zero there, for a plain factor.
pub fn slots_of_cells(point: &Point, nodes: &Nodes, f: &Factor) -> Vec<Vec<u32>> {
    let mut out = vec![vec![]; f.n_within];
    if !is_plain(f) {
        return out;
    }
    let (stride, states) = match f.kind {
        FactorKind::Logits(c) => (class_stride(point.program, f, c).0, point.program.model.classes[c].n_classes),
        _ => (0, 1),
    };
    let mut found = Cells::default();
    cells(point, nodes, f, &(0..0), true, &mut Workspace::default(), &mut found);
    for cell in found.iter() {
        let mut slots: Vec<u32> = cell.entries.iter().map(|e| e.slot).collect();
        slots.sort_unstable();
        slots.dedup();
        (0..states).for_each(|state| out[cell.within + state * stride].clone_from(&slots));
    }
    out
}
