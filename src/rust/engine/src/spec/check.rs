//! Turns names into indices and refuses what is inconsistent, naming the element.

use std::collections::HashMap;

use super::raw::*;
use super::*;
use crate::error::{EngineError, Result};
use crate::family::{Family, Link};

struct Names<'a> {
    columns: HashMap<&'a str, usize>,
    classes: HashMap<String, usize>,
    latents: HashMap<String, usize>,
    n_classes: Vec<usize>,
    n_parameters: usize,
}

pub fn check(raw: RawSpec, column_names: &[String]) -> Result<Model> {
    if raw.version != 1 {
        return Err(EngineError::spec(
            "version",
            format!("{} is not supported; this engine reads version 1", raw.version),
        ));
    }
    let mut names = Names {
        columns: column_names.iter().enumerate().map(|(i, n)| (n.as_str(), i)).collect(),
        classes: HashMap::new(),
        latents: HashMap::new(),
        n_classes: raw.classes.iter().map(|c| c.n_classes).collect(),
        n_parameters: raw.parameters.len(),
    };
    let mut model = Model {
        classes: vec![],
        latents: vec![],
        covariances: vec![],
        outcomes: vec![],
        parameters: raw.parameters.iter().map(parameter).collect::<Result<_>>()?,
        constraints: vec![],
        column_names: column_names.to_vec(),
    };
    // A latent may be shifted by any class, a class logit may use any latent: declare all names, then read.
    for (i, c) in raw.classes.iter().enumerate() {
        if c.n_classes == 0 {
            return Err(EngineError::spec(&c.name, "a class variable needs at least 1 class"));
        }
        if names.classes.insert(c.name.clone(), i).is_some() {
            return Err(EngineError::spec(&c.name, "this class variable is declared twice"));
        }
    }
    for (i, l) in raw.latents.iter().enumerate() {
        if names.latents.insert(l.name.clone(), i).is_some() || names.classes.contains_key(&l.name) {
            return Err(EngineError::spec(&l.name, "this latent variable is declared twice"));
        }
    }
    for (i, l) in raw.latents.iter().enumerate() {
        let predictor = names.predictor(&l.predictor, &l.name)?;
        let level = level(l.level);
        for term in &predictor.terms {
            if let Some(&later) = term.latents.iter().find(|&&k| k >= i) {
                return Err(EngineError::spec(
                    &l.name,
                    format!("its equation uses `{}`, which is not declared before it", raw.latents[later].name),
                ));
            }
            for &k in &term.latents {
                if level == Level::Between && matches!(raw.latents[k].level, RawLevel::Within) {
                    return Err(EngineError::spec(
                        &l.name,
                        format!("a between-level variable cannot depend on the within-level `{}`", raw.latents[k].name),
                    ));
                }
            }
        }
        model.latents.push(Latent {
            name: l.name.clone(),
            level,
            predictor,
            variance: names.coefficient(&l.variance, &l.name)?,
        });
    }
    for (i, c) in raw.classes.iter().enumerate() {
        if c.logits.len() + 1 != c.n_classes {
            return Err(EngineError::spec(
                &c.name,
                format!("{} logits for {} classes; one fewer than classes is needed", c.logits.len(), c.n_classes),
            ));
        }
        let logits = c.logits.iter().map(|p| names.predictor(p, &c.name)).collect::<Result<Vec<_>>>()?;
        for term in logits.iter().flat_map(|p| &p.terms) {
            if let Some(&later) = term.coefficient.classes().iter().find(|&&k| k >= i) {
                return Err(EngineError::spec(
                    &c.name,
                    format!(
                        "its logits use the class variable `{}`, which is not declared before it",
                        raw.classes[later].name
                    ),
                ));
            }
        }
        let known = c.known.as_ref().map(|k| names.column(k, &c.name)).transpose()?;
        model.classes.push(ClassVariable {
            name: c.name.clone(),
            level: level(c.level),
            n_classes: c.n_classes,
            logits,
            known,
        });
    }
    for o in &raw.outcomes {
        let mut trials = None;
        let family = family(&o.family, &names, &o.name, &mut trials)?;
        if o.predictors.len() != family.n_predictors() || o.auxiliary.len() != family.n_auxiliary() {
            return Err(EngineError::spec(
                &o.name,
                format!(
                    "{} predictors and {} auxiliary parameters given; its family needs {} and {}",
                    o.predictors.len(),
                    o.auxiliary.len(),
                    family.n_predictors(),
                    family.n_auxiliary()
                ),
            ));
        }
        model.outcomes.push(Outcome {
            name: o.name.clone(),
            column: names.column(&o.column, &o.name)?,
            trials,
            level: level(o.level),
            family,
            predictors: o.predictors.iter().map(|p| names.predictor(p, &o.name)).collect::<Result<_>>()?,
            auxiliary: o.auxiliary.iter().map(|a| names.coefficient(a, &o.name)).collect::<Result<_>>()?,
        });
    }
    for c in &raw.covariances {
        let value = names.coefficient(&c.value, &format!("{}~~{}", c.a, c.b))?;
        model.covariances.push(Covariance { of: covariance_of(&model, &names, c)?, value });
    }
    for c in raw.constraints {
        if let Some((bad, _)) = c.weights.iter().find(|(i, _)| *i >= names.n_parameters) {
            return Err(EngineError::spec("constraints", format!("parameter {bad} does not exist")));
        }
        model.constraints.push(Constraint { weights: c.weights, value: c.value });
    }
    between_uses_between(&model)?;
    no_cycles(&model)?;
    variances_are_not_negative(&model)?;
    no_priors_on_variances(&model)?;
    Ok(model)
}

/// Between-level equations may not use within-level class variables or latents.
fn between_uses_between(model: &Model) -> Result<()> {
    let mut equations: Vec<(&str, Vec<&Predictor>, Vec<&Coefficient>)> = vec![];
    for c in model.classes.iter().filter(|c| c.level == Level::Between) {
        equations.push((&c.name, c.logits.iter().collect(), vec![]));
    }
    for l in model.latents.iter().filter(|l| l.level == Level::Between) {
        equations.push((&l.name, vec![&l.predictor], vec![&l.variance]));
    }
    for o in model.outcomes.iter().filter(|o| o.level == Level::Between) {
        equations.push((&o.name, o.predictors.iter().collect(), o.auxiliary.iter().collect()));
    }
    for c in &model.covariances {
        let (level, name) = match c.of {
            CovarianceOf::Latents(a, _) => (model.latents[a].level, &model.latents[a].name),
            CovarianceOf::Outcomes(a, _) => (model.outcomes[a].level, &model.outcomes[a].name),
        };
        if level == Level::Between {
            equations.push((name, vec![], vec![&c.value]));
        }
    }
    for (name, predictors, coefficients) in equations {
        let terms = predictors.iter().flat_map(|p| &p.terms);
        let used = terms.clone().map(|t| &t.coefficient).chain(coefficients);
        for class in used.flat_map(|c| c.classes()) {
            if model.classes[*class].level == Level::Within {
                return Err(EngineError::spec(
                    name,
                    format!(
                        "a between-level equation cannot use the within-level class variable `{}`",
                        model.classes[*class].name
                    ),
                ));
            }
        }
        for latent in terms.flat_map(|t| &t.latents) {
            if model.latents[*latent].level == Level::Within {
                return Err(EngineError::spec(
                    name,
                    format!(
                        "a between-level equation cannot use the within-level latent variable `{}`",
                        model.latents[*latent].name
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// A class variable's logits may not use a latent that itself depends on that class, or on one declared later.
fn no_cycles(model: &Model) -> Result<()> {
    // classes that each latent depends on
    let mut classes: Vec<Vec<usize>> = vec![];
    for (i, l) in model.latents.iter().enumerate() {
        let mut mine: Vec<usize> = l.variance.classes().to_vec();
        for t in &l.predictor.terms {
            mine.extend(t.coefficient.classes());
            t.latents.iter().for_each(|&k| mine.extend(classes[k].clone()));
        }
        for c in &model.covariances {
            if matches!(c.of, CovarianceOf::Latents(a, b) if a == i || b == i) {
                mine.extend(c.value.classes());
            }
        }
        classes.push(mine);
    }
    for (i, c) in model.classes.iter().enumerate() {
        for &l in c.logits.iter().flat_map(|p| &p.terms).flat_map(|t| &t.latents) {
            if let Some(&k) = classes[l].iter().find(|&&k| k >= i) {
                return Err(EngineError::spec(
                    &c.name,
                    format!(
                        "its logits use the latent variable `{}`, which depends on the class variable `{}`",
                        model.latents[l].name, model.classes[k].name
                    ),
                ));
            }
        }
        if c.level == Level::Between && c.logits.iter().flat_map(|p| &p.terms).any(|t| !t.latents.is_empty()) {
            return Err(EngineError::spec(
                &c.name,
                "the logits of a between-level class variable cannot use latent variables",
            ));
        }
    }
    Ok(())
}

fn variances_are_not_negative(model: &Model) -> Result<()> {
    let latents = model.latents.iter().map(|l| (&l.name, &l.variance));
    let gaussian = model
        .outcomes
        .iter()
        .filter(|o| matches!(o.family, Family::Gaussian | Family::Censored { .. }))
        .map(|o| (&o.name, &o.auxiliary[0]));
    for (name, variance) in latents.chain(gaussian) {
        let fixed = variance
            .parameters()
            .iter()
            .filter(|&&p| !model.parameters[p].free)
            .filter_map(|&p| model.parameters[p].value);
        let constant = if let Coefficient::Constant(v) = variance { Some(*v) } else { None };
        if let Some(&p) = variance.parameters().iter().find(|&&p| model.parameters[p].upper < 0.0) {
            return Err(EngineError::spec(
                &model.parameters[p].name,
                "the upper bound of a variance cannot be negative",
            ));
        }
        if let Some(v) = fixed.chain(constant).find(|v| *v < 0.0) {
            return Err(EngineError::spec(
                name,
                format!("its variance is fixed at {v}; a variance cannot be negative"),
            ));
        }
    }
    Ok(())
}

/// Normal priors are for coefficients and thresholds; (co)variances and dispersions have other scales.
fn no_priors_on_variances(model: &Model) -> Result<()> {
    let residual = |o: &&Outcome| !matches!(o.family, Family::Ordinal { .. });
    let outcomes = model.outcomes.iter().filter(residual).flat_map(|o| &o.auxiliary);
    let latents = model.latents.iter().map(|l| &l.variance);
    let all = latents.chain(outcomes).chain(model.covariances.iter().map(|c| &c.value));
    match all.flat_map(|c| c.parameters()).find(|&&p| model.parameters[p].prior.is_some()) {
        Some(&p) => Err(EngineError::spec(
            &model.parameters[p].name,
            "a variance, covariance or dispersion cannot have a normal prior",
        )),
        None => Ok(()),
    }
}

fn covariance_of(model: &Model, names: &Names, c: &RawCovariance) -> Result<CovarianceOf> {
    let field = format!("{}~~{}", c.a, c.b);
    if let (Some(&a), Some(&b)) = (names.latents.get(&c.a), names.latents.get(&c.b)) {
        if a == b || model.latents[a].level != model.latents[b].level {
            return Err(EngineError::spec(field, "needs two different latent variables of one level"));
        }
        return Ok(CovarianceOf::Latents(a, b));
    }
    let find = |n: &str| model.outcomes.iter().position(|o| o.name == n && o.family == Family::Gaussian);
    match (find(&c.a), find(&c.b)) {
        (Some(a), Some(b)) if a != b && model.outcomes[a].level == model.outcomes[b].level => {
            Ok(CovarianceOf::Outcomes(a, b))
        }
        _ => Err(EngineError::spec(field, "needs two latent variables or two gaussian outcomes, of one level")),
    }
}

fn level(raw: RawLevel) -> Level {
    match raw {
        RawLevel::Within => Level::Within,
        RawLevel::Between => Level::Between,
    }
}

fn link(raw: RawLink) -> Link {
    match raw {
        RawLink::Logit => Link::Logit,
        RawLink::Probit => Link::Probit,
    }
}

fn family(raw: &RawFamily, names: &Names, target: &str, trials: &mut Option<usize>) -> Result<Family> {
    let enough = |n: usize| {
        if n < 2 {
            Err(EngineError::spec(target, format!("{n} categories; at least 2 are needed")))
        } else {
            Ok(n)
        }
    };
    Ok(match raw {
        RawFamily::Gaussian {} => Family::Gaussian,
        RawFamily::Bernoulli { link: l } => Family::Bernoulli { link: link(*l) },
        RawFamily::Ordinal { link: l, n_categories } => {
            Family::Ordinal { link: link(*l), n_categories: enough(*n_categories)? }
        }
        RawFamily::Nominal { n_categories } => Family::Nominal { n_categories: enough(*n_categories)? },
        RawFamily::Poisson {} => Family::Poisson,
        RawFamily::NegativeBinomial {} => Family::NegativeBinomial,
        RawFamily::ZeroInflatedPoisson {} => Family::ZeroInflatedPoisson,
        RawFamily::ZeroInflatedNegativeBinomial {} => Family::ZeroInflatedNegativeBinomial,
        RawFamily::Censored { lower, upper } => Family::Censored { lower: *lower, upper: *upper },
        RawFamily::Binomial { link: l, trials: column } => {
            *trials = Some(names.column(column, target)?);
            Family::Binomial { link: link(*l) }
        }
    })
}

fn parameter(raw: &RawParameter) -> Result<Parameter> {
    if !raw.free && raw.value.is_none() {
        return Err(EngineError::spec(&raw.name, "a fixed parameter needs a value"));
    }
    let (lower, upper) = (raw.lower.unwrap_or(f64::NEG_INFINITY), raw.upper.unwrap_or(f64::INFINITY));
    if lower > upper {
        return Err(EngineError::spec(&raw.name, format!("its lower bound {lower} is above its upper bound {upper}")));
    }
    let prior = raw.prior.map(|p| Prior { mean: p.mean, sd: p.sd });
    if let Some(Prior { mean, sd }) = prior {
        if !raw.free || !mean.is_finite() || !sd.is_finite() || sd <= 0.0 {
            return Err(EngineError::spec(
                &raw.name,
                format!(
                    "a normal prior (mean {mean}, sd {sd}) needs a free parameter, a finite mean and an sd above 0"
                ),
            ));
        }
    }
    Ok(Parameter { name: raw.name.clone(), free: raw.free, value: raw.value, start: raw.start, lower, upper, prior })
}

impl Names<'_> {
    fn column(&self, name: &str, target: &str) -> Result<usize> {
        self.columns
            .get(name)
            .copied()
            .ok_or_else(|| EngineError::spec(target, format!("column `{name}` was not sent")))
    }

    fn predictor(&self, raw: &RawPredictor, target: &str) -> Result<Predictor> {
        let terms = raw.terms.iter().map(|t| self.term(t, target)).collect::<Result<_>>()?;
        Ok(Predictor { terms })
    }

    fn term(&self, raw: &RawTerm, target: &str) -> Result<Term> {
        if raw.latents.len() > 2 {
            return Err(EngineError::spec(target, "a term may hold at most two latent variables"));
        }
        let latents = raw
            .latents
            .iter()
            .map(|l| {
                self.latents
                    .get(l)
                    .copied()
                    .ok_or_else(|| EngineError::spec(target, format!("latent variable `{l}` is not declared")))
            })
            .collect::<Result<_>>()?;
        Ok(Term {
            coefficient: self.coefficient(&raw.coefficient, target)?,
            covariate: raw.covariate.as_ref().map(|c| self.column(c, target)).transpose()?,
            latents,
        })
    }

    fn coefficient(&self, raw: &RawCoefficient, target: &str) -> Result<Coefficient> {
        let known = |p: usize| {
            if p < self.n_parameters {
                Ok(p)
            } else {
                Err(EngineError::spec(
                    target,
                    format!("parameter {p} does not exist; the table has {}", self.n_parameters),
                ))
            }
        };
        match (raw.constant, raw.parameter, &raw.by, &raw.parameters) {
            (Some(v), None, None, None) => Ok(Coefficient::Constant(v)),
            (None, Some(p), None, None) => Ok(Coefficient::Parameter(known(p)?)),
            (None, None, Some(by), Some(parameters)) => {
                let classes =
                    by.iter()
                        .map(|c| {
                            self.classes.get(c).copied().ok_or_else(|| {
                                EngineError::spec(target, format!("class variable `{c}` is not declared"))
                            })
                        })
                        .collect::<Result<Vec<_>>>()?;
                let mut strides = vec![];
                let mut cells = 1;
                for &c in &classes {
                    strides.push(cells);
                    cells *= self.n_classes[c];
                }
                if parameters.len() != cells {
                    return Err(EngineError::spec(
                        target,
                        format!("{} parameters for {cells} class patterns", parameters.len()),
                    ));
                }
                for &p in parameters {
                    known(p)?;
                }
                Ok(Coefficient::ByClass { classes, strides, parameters: parameters.clone() })
            }
            _ => Err(EngineError::spec(target, "a coefficient is {constant}, {parameter} or {by, parameters}")),
        }
    }
}
