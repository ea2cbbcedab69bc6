//! The numeric columns a fit works on, checked against the specification.

use std::any::Any;
use std::ops::Index;
use std::sync::Arc;

use crate::error::{EngineError, Result};
use crate::spec::{Model, Predictor};

pub mod memo;
pub mod row_patterns;

use memo::Memo;
use row_patterns::{Distinguish, Known, RowPatterns};

/// Named columns of equal length; missing values are NaN.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    pub names: Vec<String>,
    pub values: Vec<Vec<f64>>,
}

/// What R sends: columns and, per row, cluster index and weights.
#[derive(Clone, Debug, Default)]
pub struct RawData {
    pub columns: Columns,
    /// Cluster of each row, numbered from 0 in order of first appearance; `None`: every row is its own cluster.
    pub cluster: Option<Vec<usize>>,
    pub frequency: Option<Vec<f64>>,
    pub unit_weights: Option<Vec<f64>>,
    /// One per row, constant within clusters.
    pub cluster_weights: Option<Vec<f64>>,
}

/// Weights of rows or clusters; none are kept where all are 1.
#[derive(Clone, Debug)]
pub struct Weights(Option<Arc<Vec<f64>>>);

impl Weights {
    fn new(given: Option<Vec<f64>>) -> Weights {
        Weights(given.map(Arc::new))
    }

    pub fn are_one(&self) -> bool {
        self.0.as_ref().is_none_or(|w| w.iter().all(|w| *w == 1.0))
    }
}

impl Index<usize> for Weights {
    type Output = f64;
    fn index(&self, i: usize) -> &f64 {
        self.0.as_ref().map_or(&1.0, |w| &w[i])
    }
}

/// Checked data. Rows keep the order they were sent in. Copies share all that is of the length of the data.
#[derive(Clone, Debug)]
pub struct Sample {
    pub columns: Arc<Vec<Vec<f64>>>,
    patterns: Arc<Known>,
    memo: Arc<Memo>,
    pub n_rows: usize,
    pub n_clusters: usize,
    /// [n_rows] cluster; `None` where every row is its own.
    cluster: Option<Arc<Vec<usize>>>,
    /// Whether a cluster variable was given.
    pub two_level: bool,
    /// [n_rows] how many units a row stands for in its cluster's likelihood (frequency × unit weight; 1 when single-level).
    pub unit_weight: Weights,
    /// [n_clusters] how often a cluster occurs.
    pub frequency: Weights,
    /// [n_clusters] sampling weight on log L of the cluster.
    pub cluster_weight: Weights,
    /// Number of units for the information criteria (sum of frequencies).
    pub n_units: f64,
}

impl Sample {
    /// # Errors
    /// `Data` where a column is short, a covariate is missing or infinite, or an outcome is outside its family's support.
    pub fn new(model: &Model, raw: RawData) -> Result<Sample> {
        let n_rows = raw.columns.values.first().map_or(0, |c| c.len());
        if n_rows == 0 {
            return Err(EngineError::data("all", "the data have no rows"));
        }
        for (name, values) in raw.columns.names.iter().zip(&raw.columns.values) {
            if values.len() != n_rows {
                return Err(EngineError::data(name, format!("{} values; the first column has {n_rows}", values.len())));
            }
        }
        check_values(model, &raw.columns)?;
        let checked = |w: Option<Vec<f64>>, what: &str| -> Result<Option<Vec<f64>>> {
            let wrong = |w: &Vec<f64>| w.len() != n_rows || w.iter().any(|v| !v.is_finite() || *v < 0.0);
            if w.as_ref().is_some_and(wrong) {
                return Err(EngineError::data(what, format!("needs {n_rows} finite numbers of at least 0")));
            }
            Ok(w)
        };
        let frequency = checked(raw.frequency, "frequency")?;
        let unit = checked(raw.unit_weights, "weights")?;
        let mut cluster_weight = checked(raw.cluster_weights, "cluster_weights")?;
        let n_units = frequency.as_ref().map_or(n_rows as f64, |f| f.iter().sum());
        let mut n_clusters = n_rows;
        if let Some(cluster) = &raw.cluster {
            let first_row = first_rows(cluster, n_rows)?;
            n_clusters = first_row.len();
            check_constant_in_clusters(model, &raw.columns, cluster, &first_row)?;
            if let Some(w) = &mut cluster_weight {
                if cluster.iter().zip(&*w).any(|(&j, v)| *v != w[first_row[j]]) {
                    return Err(EngineError::data("cluster_weights", "differ between rows of one cluster"));
                }
                *w = first_row.iter().map(|&r| w[r]).collect();
            }
        }
        let (unit_weight, frequency, cluster_weight) = match raw.cluster {
            Some(_) => (product(frequency, unit), None, cluster_weight),
            None => (None, frequency, product(cluster_weight, unit)),
        };
        Ok(Sample {
            unit_weight: Weights::new(unit_weight),
            frequency: Weights::new(frequency),
            cluster_weight: Weights::new(cluster_weight),
            columns: Arc::new(raw.columns.values),
            patterns: Arc::default(),
            memo: Arc::default(),
            n_rows,
            n_clusters,
            two_level: raw.cluster.is_some(),
            cluster: raw.cluster.map(Arc::new),
            n_units,
        })
    }

    /// The cluster of a row.
    pub fn cluster(&self, row: usize) -> usize {
        self.cluster.as_ref().map_or(row, |c| c[row])
    }

    /// Clusters that stand for several: the part of their weight that is a frequency, so that robust errors do not
    /// square it. `frequency`: [n_rows], constant within clusters.
    ///
    /// # Errors
    /// `Data` where the length is wrong or a value is negative.
    pub fn count_clusters(&mut self, frequency: &[f64]) -> Result<()> {
        if frequency.len() != self.n_rows || frequency.iter().any(|v| !v.is_finite() || *v < 0.0) {
            let needed = format!("needs {} finite numbers of at least 0", self.n_rows);
            return Err(EngineError::data("cluster_frequency", needed));
        }
        let mut of_cluster = vec![1.0; self.n_clusters];
        (0..self.n_rows).for_each(|row| of_cluster[self.cluster(row)] = frequency[row]);
        let rest = |(j, &f): (usize, &f64)| if f > 0.0 { self.cluster_weight[j] / f } else { 0.0 };
        let rest = of_cluster.iter().enumerate().map(rest).collect();
        self.cluster_weight = Weights::new(Some(rest));
        self.frequency = Weights::new(Some(of_cluster));
        Ok(())
    }

    /// Rows alike in some columns (`RowPatterns`), worked out once.
    pub fn row_patterns(&self, by: Distinguish) -> Arc<RowPatterns> {
        self.patterns.get(&self.columns, self.n_rows, by)
    }

    /// What follows from the data and from the columns or row patterns whose numbers are the key (`Memo::get`).
    pub fn remember<T: Any + Send + Sync>(&self, key: &[usize], make: impl FnOnce() -> T) -> Arc<T> {
        self.memo.get(key.to_vec(), make)
    }
}

/// The first row of each cluster.
fn first_rows(cluster: &[usize], n_rows: usize) -> Result<Vec<usize>> {
    if cluster.len() != n_rows {
        return Err(EngineError::data("cluster", format!("{} values for {n_rows} rows", cluster.len())));
    }
    let mut first_row = vec![usize::MAX; cluster.iter().max().map_or(0, |m| m + 1)];
    for (row, &j) in cluster.iter().enumerate().rev() {
        first_row[j] = row;
    }
    if first_row.contains(&usize::MAX) {
        return Err(EngineError::data("cluster", "cluster numbers must be 0, 1, … without gaps"));
    }
    Ok(first_row)
}

/// Product of weights, of which those not given are 1.
fn product(a: Option<Vec<f64>>, b: Option<Vec<f64>>) -> Option<Vec<f64>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.iter().zip(&b).map(|(a, b)| a * b).collect()),
        (a, b) => a.or(b),
    }
}

fn covariates<'a>(predictors: impl Iterator<Item = &'a Predictor>) -> Vec<usize> {
    predictors.flat_map(|p| &p.terms).filter_map(|t| t.covariate).collect()
}

fn all_predictors(model: &Model) -> impl Iterator<Item = &Predictor> {
    let classes = model.classes.iter().flat_map(|c| &c.logits);
    let latents = model.latents.iter().map(|l| &l.predictor);
    classes.chain(latents).chain(model.outcomes.iter().flat_map(|o| &o.predictors))
}

fn check_values(model: &Model, columns: &Columns) -> Result<()> {
    for column in covariates(all_predictors(model)) {
        if let Some(row) = columns.values[column].iter().position(|v| !v.is_finite()) {
            return Err(EngineError::data(
                &columns.names[column],
                format!("row {} is missing or infinite; covariates must be complete", row + 1),
            ));
        }
    }
    for o in &model.outcomes {
        let y = &columns.values[o.column];
        for (row, &value) in y.iter().enumerate().filter(|(_, v)| !v.is_nan()) {
            let trials = o.trials.map_or(1.0, |t| columns.values[t][row]);
            if !o.family.check_value(value, trials) {
                return Err(EngineError::data(
                    &o.name,
                    format!("{} in row {} is not a value that its family ({:?}) allows", value, row + 1, o.family),
                ));
            }
        }
    }
    for c in &model.classes {
        let Some(column) = c.known else { continue };
        for (row, &v) in columns.values[column].iter().enumerate() {
            if !v.is_nan() && (v.fract() != 0.0 || v < 1.0 || v > c.n_classes as f64) {
                return Err(EngineError::data(
                    &columns.names[column],
                    format!("{v} in row {} is not a class of `{}` (1 to {})", row + 1, c.name, c.n_classes),
                ));
            }
        }
    }
    Ok(())
}

/// Covariates, outcomes and known classes of the between level must not vary within clusters.
fn check_constant_in_clusters(model: &Model, columns: &Columns, cluster: &[usize], first_row: &[usize]) -> Result<()> {
    use crate::spec::Level::Between;
    let mut used: Vec<usize> = vec![];
    for c in model.classes.iter().filter(|c| c.level == Between) {
        used.extend(covariates(c.logits.iter()));
        used.extend(c.known);
    }
    for l in model.latents.iter().filter(|l| l.level == Between) {
        used.extend(covariates(std::iter::once(&l.predictor)));
    }
    for o in model.outcomes.iter().filter(|o| o.level == Between) {
        used.extend(covariates(o.predictors.iter()));
        used.push(o.column);
        used.extend(o.trials);
    }
    for column in used {
        let v = &columns.values[column];
        for (row, &j) in cluster.iter().enumerate() {
            let (a, b) = (v[row], v[first_row[j]]);
            if a != b && !(a.is_nan() && b.is_nan()) {
                return Err(EngineError::data(
                    &columns.names[column],
                    "varies within clusters but is used on the between level",
                ));
            }
        }
    }
    Ok(())
}
