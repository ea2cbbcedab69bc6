//! The columns in which the predictors of a gaussian factor are linear: distinct products of covariates.
//!
//! A predictor is Σ coefficient × covariate × latents, and the latents' own equations have the same form, so that
//! unfolded it is Σ_m b_m X_m, where X_m is a product of covariates ("monomial", X_0 = 1) and b_m depends on
//! parameters, class cell, nodes and analytic residuals only. Rows then enter a normal density through the
//! cross-products of outcomes and X alone. Monomials are centred, as the outcomes are, so that cross-products keep
//! their digits when covariates are far from zero.

use super::plan::{How, Plan};
use crate::data::Sample;
use crate::spec::{Level, Model, Term};

/// Monomials of one factor; those that stand in its outcomes' predictors come first and are its columns.
#[derive(Clone, Debug)]
pub struct Linear {
    /// Covariates of each monomial, ascending, repeated in powers; the first monomial is 1.
    monomials: Vec<Vec<usize>>,
    pub n_columns: usize,
    covariates: Vec<usize>,
    /// [monomials × covariates], [monomials × monomials]: the product; 0 where it never arises.
    by_covariate: Vec<usize>,
    by_monomial: Vec<usize>,
    /// Monomials that stand in each latent's value (empty for latents that do not enter).
    pub of_latent: Vec<Vec<usize>>,
    /// Covariates that multiply an analytic within residual: the residual covariance of the outcomes depends on them.
    pub of_covariance: Vec<usize>,
    /// [n_columns] mean over the rows, 0 for the constant.
    pub centre: Vec<f64>,
    /// Mean of each outcome.
    pub outcome_centre: Vec<f64>,
}

/// Monomials of a value: all of them, and those at which analytic within residuals stand.
#[derive(Clone, Default)]
struct Support {
    all: Vec<usize>,
    residual: Vec<usize>,
}

#[derive(Default)]
struct Table {
    monomials: Vec<Vec<usize>>,
}

impl Table {
    fn intern(&mut self, m: Vec<usize>) -> usize {
        self.monomials.iter().position(|x| *x == m).unwrap_or_else(|| {
            self.monomials.push(m);
            self.monomials.len() - 1
        })
    }
    fn product(&mut self, parts: &[&[usize]]) -> usize {
        let mut m: Vec<usize> = parts.iter().flat_map(|p| p.iter().copied()).collect();
        m.sort_unstable();
        self.intern(m)
    }
    fn term(&mut self, t: &Term, latents: &[Support]) -> Support {
        let x: Vec<usize> = t.covariate.into_iter().collect();
        let mut out = Support::default();
        match t.latents[..] {
            [] => out.all.push(self.product(&[&x])),
            [l] => {
                let times = |table: &mut Table, list: &[usize]| -> Vec<usize> {
                    list.iter().map(|&m| table.product(&[&table.monomials[m].clone(), &x])).collect()
                };
                out.all = times(self, &latents[l].all);
                out.residual = times(self, &latents[l].residual);
            }
            [a, b, ..] => {
                for &p in &latents[a].all {
                    for &q in &latents[b].all {
                        let pair = self.product(&[&self.monomials[p].clone(), &self.monomials[q].clone()]);
                        let m = self.product(&[&self.monomials[pair].clone(), &x]);
                        out.all.push(m);
                        if latents[a].residual.contains(&p) || latents[b].residual.contains(&q) {
                            out.residual.push(m);
                        }
                    }
                }
            }
        }
        out
    }
}

impl Support {
    fn absorb(&mut self, other: Support) {
        self.all.extend(other.all);
        self.residual.extend(other.residual);
        for list in [&mut self.all, &mut self.residual] {
            list.sort_unstable();
            list.dedup();
        }
    }
}

impl Linear {
    /// `latents`: those to evaluate, in order.
    pub fn new(model: &Model, plan: &Plan, outcomes: &[usize], latents: &[usize]) -> Linear {
        let mut table = Table::default();
        table.intern(vec![]);
        let mut supports = vec![Support::default(); model.latents.len()];
        for &l in latents {
            let mut s = Support::default();
            for t in &model.latents[l].predictor.terms {
                s.absorb(table.term(t, &supports));
            }
            if let Some((b, position)) = plan.block_of[l] {
                let is_analytic = |&m: &usize| {
                    plan.dimension_of[m].is_some_and(|d| {
                        let d = &plan.dimensions[d];
                        d.how == How::Analytic && d.level == Level::Within
                    })
                };
                let any = plan.blocks[b].latents[..=position].iter().any(is_analytic);
                s.absorb(Support { all: vec![0], residual: if any { vec![0] } else { vec![] } });
            }
            supports[l] = s;
        }
        let mut of_outcomes = Support { all: vec![0], residual: vec![] };
        for t in outcomes.iter().flat_map(|&o| &model.outcomes[o].predictors[0].terms) {
            of_outcomes.absorb(table.term(t, &supports));
        }
        let mut of_covariance: Vec<usize> =
            of_outcomes.residual.iter().flat_map(|&m| table.monomials[m].iter().copied()).collect();
        of_covariance.sort_unstable();
        of_covariance.dedup();
        // columns first
        let mut order = of_outcomes.all.clone();
        order.extend((0..table.monomials.len()).filter(|m| !of_outcomes.all.contains(m)));
        let place = |m: usize| order.iter().position(|&o| o == m).unwrap_or(0);
        let monomials: Vec<Vec<usize>> = order.iter().map(|&m| table.monomials[m].clone()).collect();
        let mut covariates: Vec<usize> = monomials.iter().flatten().copied().collect();
        covariates.sort_unstable();
        covariates.dedup();
        let find = |parts: &[&[usize]]| {
            let mut m: Vec<usize> = parts.iter().flat_map(|p| p.iter().copied()).collect();
            m.sort_unstable();
            monomials.iter().position(|x| *x == m).unwrap_or(0)
        };
        let by_covariate = monomials.iter().flat_map(|m| covariates.iter().map(|&c| find(&[m, &[c]]))).collect();
        let by_monomial = monomials.iter().flat_map(|a| monomials.iter().map(|b| find(&[a, b]))).collect();
        Linear {
            n_columns: of_outcomes.all.len(),
            by_covariate,
            by_monomial,
            of_latent: supports.iter().map(|s| s.all.iter().map(|&m| place(m)).collect()).collect(),
            of_covariance,
            centre: vec![0.0; of_outcomes.all.len()],
            outcome_centre: vec![0.0; outcomes.len()],
            covariates,
            monomials,
        }
    }

    pub fn n_monomials(&self) -> usize {
        self.monomials.len()
    }

    /// Covariates of all columns.
    pub fn covariates(&self) -> &[usize] {
        &self.covariates
    }

    /// The monomial a · b · x.
    #[inline]
    pub fn product(&self, a: usize, b: usize, x: Option<usize>) -> usize {
        let m = if b == 0 { a } else { self.by_monomial[a * self.monomials.len() + b] };
        match x {
            None => m,
            Some(c) => {
                let k = self.covariates.iter().position(|&k| k == c).unwrap_or(0);
                self.by_covariate[m * self.covariates.len() + k]
            }
        }
    }

    /// Sets the centres: means over the rows; `outcomes` are their columns.
    pub fn set_centres(&mut self, sample: &Sample, outcomes: &[usize]) {
        let mean = |values: &mut dyn Iterator<Item = f64>| {
            let (mut n, mut sum) = (0.0f64, 0.0);
            values.filter(|v| v.is_finite()).for_each(|v| {
                n += 1.0;
                sum += v;
            });
            sum / n.max(1.0)
        };
        for m in 1..self.n_columns {
            let monomial = &self.monomials[m];
            self.centre[m] = mean(&mut (0..sample.n_rows).map(|row| product_of(&sample.columns, monomial, row)));
        }
        self.outcome_centre = outcomes.iter().map(|&c| mean(&mut sample.columns[c].iter().copied())).collect();
    }

    /// The row's centred columns X, [n_columns].
    #[inline]
    pub fn fill_x(&self, columns: &[Vec<f64>], row: usize, x: &mut [f64]) {
        x[0] = 1.0;
        for ((x, monomial), centre) in x.iter_mut().zip(&self.monomials).zip(&self.centre).skip(1) {
            *x = product_of(columns, monomial, row) - centre;
        }
    }
}

#[inline]
fn product_of(columns: &[Vec<f64>], monomial: &[usize], row: usize) -> f64 {
    monomial.iter().map(|&c| columns[c][row]).product()
}
