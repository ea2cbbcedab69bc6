//! Which latent dimensions are integrated numerically and which analytically (design.md section 2), and why.

use super::factor::residual_covariances;
use crate::error::{EngineError, Result};
use crate::family::Family;
use crate::spec::{CovarianceOf, Level, Model, Predictor};

/// Everything a latent variable's value depends on, through all the equations before it.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Class variables, ascending.
    pub classes: Vec<usize>,
    /// Columns, ascending.
    pub covariates: Vec<usize>,
    /// Latents whose residuals enter (itself included unless structurally zero), ascending.
    pub residuals: Vec<usize>,
    /// Latents needed to evaluate it, itself included, ascending.
    pub latents: Vec<usize>,
    pub parameters: Vec<usize>,
}

impl Reach {
    pub fn absorb(&mut self, other: &Reach) {
        self.classes.extend(&other.classes);
        self.covariates.extend(&other.covariates);
        self.residuals.extend(&other.residuals);
        self.latents.extend(&other.latents);
        self.parameters.extend(&other.parameters);
    }
    pub fn absorb_predictor(&mut self, p: &Predictor, reaches: &[Reach]) {
        for t in &p.terms {
            self.classes.extend(t.coefficient.classes());
            self.parameters.extend(t.coefficient.parameters());
            self.covariates.extend(t.covariate);
            for &l in &t.latents {
                self.absorb(&reaches[l]);
            }
        }
    }
    pub fn tidy(&mut self) {
        for v in [&mut self.classes, &mut self.covariates, &mut self.residuals, &mut self.latents, &mut self.parameters]
        {
            v.sort_unstable();
            v.dedup();
        }
    }
}

/// Latents whose residuals are correlated; one block is one multivariate normal.
#[derive(Clone, Debug)]
pub struct ResidualBlock {
    pub level: Level,
    /// Numerically integrated latents first.
    pub latents: Vec<usize>,
    /// Index into `Model::covariances` of each pair (i > j), `None` where structurally zero; [i*(i-1)/2 + j].
    pub covariances: Vec<Option<usize>>,
    /// Class variables its (co)variances depend on.
    pub classes: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Numeric,
    Analytic,
}

/// One dimension of integration: the standardised residual of one latent variable.
#[derive(Clone, Debug)]
pub struct Dimension {
    pub latent: usize,
    pub level: Level,
    pub how: How,
    pub why: String,
    /// Number within its (level, how) group.
    pub index: usize,
}

#[derive(Clone, Debug)]
pub struct Plan {
    pub reach: Vec<Reach>,
    pub blocks: Vec<ResidualBlock>,
    /// Block and position in it of each latent; `None` where its variance is structurally zero.
    pub block_of: Vec<Option<(usize, usize)>>,
    /// Dimension of each latent.
    pub dimension_of: Vec<Option<usize>>,
    pub dimensions: Vec<Dimension>,
    /// Gaussian outcomes (within) that share a joint density, in groups; every gaussian within outcome is in one group.
    pub gaussian_groups: Vec<Vec<usize>>,
}

impl Plan {
    pub fn count(&self, level: Level, how: How) -> usize {
        self.dimensions.iter().filter(|d| d.level == level && d.how == how).count()
    }

    /// Every dimension numeric: for simulation.
    pub fn all_numeric(model: &Model) -> Result<Plan> {
        let blocks = residual_blocks(model)?;
        let reach = reaches(model, &blocks);
        let numeric = vec![Some("simulated".to_string()); model.latents.len()];
        let groups = gaussian_groups(model, &reach, &numeric);
        Ok(assemble(model, blocks, reach, numeric, groups))
    }

    pub fn new(model: &Model) -> Result<Plan> {
        let blocks = residual_blocks(model)?;
        let reach = reaches(model, &blocks);
        let mut numeric: Vec<Option<String>> = vec![None; model.latents.len()];
        mark_touched(model, &reach, &mut numeric);
        let gaussian_groups = settle(model, &reach, &mut numeric);
        Ok(assemble(model, blocks, reach, numeric, gaussian_groups))
    }
}

fn has_residual(model: &Model, latent: usize) -> bool {
    !model.latents[latent].variance.is_zero()
}

/// Connected components of the residual covariance graph of the latents.
fn residual_blocks(model: &Model) -> Result<Vec<ResidualBlock>> {
    let n = model.latents.len();
    let mut group: Vec<usize> = (0..n).collect();
    for c in &model.covariances {
        let CovarianceOf::Latents(a, b) = c.of else { continue };
        for &l in &[a, b] {
            if !has_residual(model, l) {
                return Err(EngineError::spec(
                    &model.latents[l].name,
                    "has a covariance but its variance is structurally zero",
                ));
            }
        }
        let (from, to) = (group[a.max(b)].max(group[a.min(b)]), group[a].min(group[b]));
        for g in group.iter_mut().filter(|g| **g == from) {
            *g = to;
        }
    }
    let mut blocks: Vec<ResidualBlock> = vec![];
    for root in 0..n {
        let latents: Vec<usize> = (0..n).filter(|&l| group[l] == root && has_residual(model, l)).collect();
        if let Some(&first) = latents.first() {
            blocks.push(ResidualBlock {
                level: model.latents[first].level,
                latents,
                covariances: vec![],
                classes: vec![],
            });
        }
    }
    Ok(blocks)
}

fn reaches(model: &Model, blocks: &[ResidualBlock]) -> Vec<Reach> {
    let mut out: Vec<Reach> = vec![];
    for (i, l) in model.latents.iter().enumerate() {
        let mut r = Reach { latents: vec![i], ..Reach::default() };
        r.absorb_predictor(&l.predictor, &out);
        if has_residual(model, i) {
            // correlated residuals share one Cholesky factor: all of the block may enter
            let block = blocks.iter().find(|b| b.latents.contains(&i));
            for &m in block.map_or(&[][..], |b| &b.latents) {
                r.residuals.push(m);
                r.classes.extend(model.latents[m].variance.classes());
                r.parameters.extend(model.latents[m].variance.parameters());
            }
            for c in &model.covariances {
                if let CovarianceOf::Latents(a, b) = c.of {
                    if block.is_some_and(|k| k.latents.contains(&a) && k.latents.contains(&b)) {
                        r.classes.extend(c.value.classes());
                        r.parameters.extend(c.value.parameters());
                    }
                }
            }
        }
        r.tidy();
        out.push(r);
    }
    out
}

fn make_numeric(latents: &[usize], why: &str, numeric: &mut [Option<String>]) -> bool {
    let mut changed = false;
    for &l in latents {
        if numeric[l].is_none() {
            numeric[l] = Some(why.to_string());
            changed = true;
        }
    }
    changed
}

/// Latents that enter a class logit, an outcome that is not gaussian, or a product of two latents.
fn mark_touched(model: &Model, reach: &[Reach], numeric: &mut [Option<String>]) {
    for c in &model.classes {
        for &l in c.logits.iter().flat_map(|p| &p.terms).flat_map(|t| &t.latents) {
            make_numeric(&reach[l].latents, &format!("enters the logit of class variable {}", c.name), numeric);
        }
    }
    for o in model.outcomes.iter().filter(|o| o.family != Family::Gaussian) {
        for &l in o.predictors.iter().flat_map(|p| &p.terms).flat_map(|t| &t.latents) {
            make_numeric(&reach[l].latents, &format!("enters the outcome {}, which is not gaussian", o.name), numeric);
        }
    }
    let predictors =
        model.outcomes.iter().flat_map(|o| &o.predictors).chain(model.latents.iter().map(|l| &l.predictor));
    for t in predictors.flat_map(|p| &p.terms).filter(|t| t.latents.len() == 2) {
        let (a, b) = (t.latents[0], t.latents[1]);
        let chosen = if model.latents[b].level == Level::Between { b } else { a };
        let other = if chosen == a { b } else { a };
        make_numeric(&reach[chosen].latents, &format!("multiplies {}", model.latents[other].name), numeric);
    }
}

/// A gaussian between dimension stays analytic only while nothing within the cluster mixes over the outcomes it touches.
fn settle(model: &Model, reach: &[Reach], numeric: &mut [Option<String>]) -> Vec<Vec<usize>> {
    loop {
        let groups = gaussian_groups(model, reach, numeric);
        let mut changed = false;
        for group in &groups {
            let mut all = Reach::default();
            for &o in group {
                all.absorb_predictor(&model.outcomes[o].predictors[0], reach);
                all.classes.extend(model.outcomes[o].auxiliary[0].classes());
            }
            for c in residual_covariances(model, group) {
                all.classes.extend(model.covariances[c].value.classes());
            }
            all.tidy();
            let name = &model.outcomes[group[0]].name;
            let class = all.classes.iter().find(|&&c| model.classes[c].level == Level::Within);
            let within =
                all.residuals.iter().find(|&&l| model.latents[l].level == Level::Within && numeric[l].is_some());
            let why = match (class, within) {
                (Some(&c), _) => format!(
                    "touches {name}, whose distribution depends on the within class variable {}",
                    model.classes[c].name
                ),
                (None, Some(&l)) => {
                    format!("touches {name}, which depends on the numerically integrated {}", model.latents[l].name)
                }
                (None, None) => continue,
            };
            let between: Vec<usize> =
                all.latents.iter().copied().filter(|&l| model.latents[l].level == Level::Between).collect();
            changed |= make_numeric(&between, &why, numeric);
        }
        if !changed {
            return groups;
        }
    }
}

/// Within gaussian outcomes joined by residual covariances or by a shared analytic within latent.
fn gaussian_groups(model: &Model, reach: &[Reach], numeric: &[Option<String>]) -> Vec<Vec<usize>> {
    let members: Vec<usize> = (0..model.outcomes.len())
        .filter(|&o| model.outcomes[o].level == Level::Within && model.outcomes[o].family == Family::Gaussian)
        .collect();
    let analytic = |o: usize| -> Vec<usize> {
        let mut r = Reach::default();
        r.absorb_predictor(&model.outcomes[o].predictors[0], reach);
        r.tidy();
        r.residuals.into_iter().filter(|&l| numeric[l].is_none() && model.latents[l].level == Level::Within).collect()
    };
    let used: Vec<Vec<usize>> = members.iter().map(|&o| analytic(o)).collect();
    let mut group: Vec<usize> = (0..members.len()).collect();
    for a in 0..members.len() {
        for b in 0..a {
            let shares = used[a].iter().any(|l| used[b].contains(l));
            let correlated = model.covariances.iter().any(|c| {
                matches!(c.of, CovarianceOf::Outcomes(p, q) if (p, q) == (members[a], members[b]) || (q, p) == (members[a], members[b]))
            });
            if shares || correlated {
                let (from, to) = (group[a].max(group[b]), group[a].min(group[b]));
                for g in group.iter_mut().filter(|g| **g == from) {
                    *g = to;
                }
            }
        }
    }
    let roots = 0..members.len();
    roots
        .map(|root| (0..members.len()).filter(|&m| group[m] == root).map(|m| members[m]).collect::<Vec<_>>())
        .filter(|g| !g.is_empty())
        .collect()
}

fn assemble(
    model: &Model,
    mut blocks: Vec<ResidualBlock>,
    reach: Vec<Reach>,
    numeric: Vec<Option<String>>,
    gaussian_groups: Vec<Vec<usize>>,
) -> Plan {
    let n = model.latents.len();
    // dimensions that many outcomes depend on come first: a factor needs only the leading nodes of a grid
    let predictors = || model.outcomes.iter().flat_map(|o| &o.predictors);
    let users: Vec<usize> = (0..n)
        .map(|l| {
            predictors()
                .filter(|p| p.terms.iter().flat_map(|t| &t.latents).any(|&k| reach[k].residuals.contains(&l)))
                .count()
        })
        .collect();
    let rank = |l: usize| (std::cmp::Reverse(users[l]), l);
    let mut block_of = vec![None; n];
    for (k, block) in blocks.iter_mut().enumerate() {
        block.latents.sort_by_key(|&l| (numeric[l].is_none(), rank(l)));
        let m = block.latents.len();
        for i in 0..m {
            block_of[block.latents[i]] = Some((k, i));
            block.classes.extend(model.latents[block.latents[i]].variance.classes());
            for j in 0..i {
                let pair = (block.latents[i], block.latents[j]);
                let found = model
                    .covariances
                    .iter()
                    .position(|c| matches!(c.of, CovarianceOf::Latents(a, b) if (a, b) == pair || (b, a) == pair));
                if let Some(c) = found {
                    block.classes.extend(model.covariances[c].value.classes());
                }
                block.covariances.push(found);
            }
        }
        block.classes.sort_unstable();
        block.classes.dedup();
    }
    let mut dimensions: Vec<Dimension> = vec![];
    let mut dimension_of = vec![None; n];
    let mut order: Vec<usize> = (0..n).filter(|&l| block_of[l].is_some()).collect();
    order.sort_by_key(|&l| rank(l));
    for l in order {
        let level = model.latents[l].level;
        let how = if numeric[l].is_some() { How::Numeric } else { How::Analytic };
        let index = dimensions.iter().filter(|d| d.level == level && d.how == how).count();
        let why = numeric[l].clone().unwrap_or_else(|| "all that it touches is gaussian".into());
        dimension_of[l] = Some(dimensions.len());
        dimensions.push(Dimension { latent: l, level, how, why, index });
    }
    Plan { reach, blocks, block_of, dimension_of, dimensions, gaussian_groups }
}
