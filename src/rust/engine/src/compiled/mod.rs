//! Specification × data → a program: factors with their patterns, the class graph, collapsed units, chunks of work.

pub mod cluster_moments;
pub mod elimination;
pub mod factor;
pub mod linear;
pub mod patterns;
pub mod plan;
pub mod shape;
pub mod sharing;
pub mod sum_tree;
pub mod units;
pub mod working;

use std::any::Any;
use std::cell::OnceCell;
use std::sync::Arc;

use crate::data::row_patterns::{Distinguish, RowPatterns};
use crate::data::Sample;
use crate::error::Result;
use crate::family::Family;
use crate::spec::{CovarianceOf, Level, Model};
use cluster_moments::ClusterMoments;
use elimination::Elimination;
use factor::{Axis, Factor, FactorKind, NONE};
use patterns::{Patterns, Sharing};
use plan::{How, Plan};
use shape::Shape;
use sharing::UnitSharing;
use sum_tree::SumTree;
use units::{Collapsed, Units};
use working::Working;

/// Factors of one scope and node axis, summed before they enter the class graph.
#[derive(Clone, Debug)]
pub struct Group {
    pub factors: Vec<usize>,
    /// Those whose patterns all chunks share, the leaves of `tree`, and the others.
    pub shared: Vec<usize>,
    pub local: Vec<usize>,
    pub tree: SumTree,
    pub within: Vec<usize>,
    pub between: Vec<usize>,
    pub n_within: usize,
    pub n_between: usize,
    pub axis: Axis,
    /// Distinct nodes (between, within).
    pub nodes: (usize, usize),
}

/// Gaussian outcomes whose analytic between dimensions make the whole cluster one normal distribution.
#[derive(Clone, Debug)]
pub struct ClusterGaussian {
    /// Factors (kind `Gaussian`) of the within level, one per joint group, and of the between level.
    pub within: Vec<Factor>,
    pub between: Vec<Factor>,
    /// Between class variables of the union of scopes.
    pub classes: Vec<usize>,
    pub uses_nodes: bool,
    pub n_dims: usize,
    /// Free parameters of all its factors, and the position of each model parameter among them.
    pub parameters: Vec<usize>,
    pub slot_of: Vec<u32>,
    pub moments: ClusterMoments,
}

impl ClusterGaussian {
    pub fn factors(&self) -> impl Iterator<Item = &Factor> {
        self.within.iter().chain(&self.between)
    }
}

#[derive(Clone, Debug)]
pub struct Program {
    pub model: Model,
    pub plan: Plan,
    pub working: Working,
    pub sample: Sample,
    /// Unit-level and cluster-level factors.
    pub factors: Vec<Factor>,
    pub cluster_factors: Vec<Factor>,
    pub cluster_gaussian: Option<ClusterGaussian>,
    pub groups: Vec<Group>,
    pub shape: Shape,
    pub elimination: Elimination,
    pub units: Units,
    /// Unit patterns shared by clusters, where nodes are common and that saves work.
    pub sharing: Option<UnitSharing>,
    pub within_classes: Vec<usize>,
    pub between_classes: Vec<usize>,
    pub n_between_cells: usize,
    /// Nodes per cluster and per unit.
    pub n_nodes: (usize, usize),
}

/// What the quadrature means for compilation.
#[derive(Clone, Copy, Debug)]
pub struct NodePlan {
    pub between_nodes: usize,
    pub within_nodes: usize,
    pub adaptive: bool,
    /// Points per dimension where both levels have full tensor grids (first dimension fastest).
    pub grid: Option<usize>,
}

impl NodePlan {
    /// Distinct nodes of a factor that depends on the first `leading` dimensions of a level.
    fn used(&self, leading: usize, all: usize) -> usize {
        match self.grid {
            _ if leading == 0 => 1,
            Some(points) => points.pow(leading as u32).min(all),
            None => all,
        }
    }
}

/// Doubles in one class-graph buffer of a chunk; keeps work in cache and memory bounded.
const CHUNK_DOUBLES: usize = 1 << 17;
/// Least and most units of a chunk: each has fixed costs, as much as 30 clusters of a growth mixture.
const CHUNK_UNITS: (usize, usize) = (1 << 9, 1 << 11);
/// Chunks that small data are cut into, for threads to share.
const EVEN_CHUNKS: usize = 4;

impl Program {
    pub fn new(model: Model, plan: Plan, sample: Sample, nodes: NodePlan) -> Result<Program> {
        Program::build(model, plan, sample, nodes, false)
    }

    /// With the posteriors over the scopes of the within latents at hand: for factor scores.
    pub fn with_latents(model: Model, plan: Plan, sample: Sample, nodes: NodePlan) -> Result<Program> {
        Program::build(model, plan, sample, nodes, true)
    }

    fn build(model: Model, plan: Plan, sample: Sample, nodes: NodePlan, latents: bool) -> Result<Program> {
        let working = Working::new(&model, &plan);
        let (mut factors, mut cluster_factors, mut cluster_gaussian) = list_factors(&model, &plan);
        if latents {
            let within = (0..model.latents.len()).filter(|&l| model.latents[l].level == Level::Within);
            factors.extend(within.map(|l| Factor::new(&model, &plan, FactorKind::Latent(l), Level::Within)));
        }
        for f in factors.iter_mut().chain(&mut cluster_factors) {
            f.nodes = (nodes.used(f.leading.0, nodes.between_nodes), nodes.used(f.leading.1, nodes.within_nodes));
        }
        let analytic = cluster_gaussian.iter_mut().flat_map(|g| g.within.iter_mut().chain(&mut g.between));
        for f in factors.iter_mut().chain(analytic) {
            if let (FactorKind::Gaussian(_), Some(linear)) = (&f.kind, &mut f.linear) {
                linear.set_centres(&sample, &f.observed);
            }
        }
        let rows = |f: &Factor| {
            sample.row_patterns(Distinguish {
                covariates: f.covariates.clone(),
                values: f.values.clone(),
                observed: f.observed.clone(),
                missing_matters: matches!(f.kind, FactorKind::Gaussian(_)),
            })
        };
        let within_rows: Vec<Arc<RowPatterns>> = factors.iter().map(rows).collect();
        let between_rows: Vec<Arc<RowPatterns>> = cluster_factors.iter().map(rows).collect();
        let mut signature = within_rows.clone();
        let mut cluster_signature = between_rows.clone();
        let mut analytic_rows = vec![];
        if let Some(g) = &cluster_gaussian {
            analytic_rows = g.factors().map(rows).collect();
            let (within, between) = analytic_rows.split_at(g.within.len());
            signature.extend_from_slice(within);
            cluster_signature.extend_from_slice(between);
        }
        // units are determined by the row patterns of both levels
        let ids = |rows: &[Arc<RowPatterns>]| rows.iter().map(|r| r.id).collect::<Vec<_>>();
        let key = [ids(&signature), vec![usize::MAX], ids(&cluster_signature)].concat();
        let kept = Kept { sample: &sample, key };
        let collapsed = kept.get(&[], || Collapsed::new(&sample, &signature, &cluster_signature));

        let within_classes = model.classes_of(Level::Within);
        let between_classes = model.classes_of(Level::Between);
        let n_between_cells = model.n_cells(&between_classes);
        let mut groups = group(&factors);
        let scopes: Vec<Vec<usize>> = groups.iter().map(|g| g.within.clone()).collect();
        let elimination = Elimination::new(&model, &within_classes, &scopes);
        let outer = n_between_cells * nodes.between_nodes * nodes.within_nodes;
        let per_unit = elimination.total_cells().max(1) * outer;
        let n_units = collapsed.n_units();
        let even = n_units.div_ceil(EVEN_CHUNKS).clamp(CHUNK_UNITS.0, CHUNK_UNITS.1);
        let n_chunks = n_units.div_ceil((CHUNK_DOUBLES / per_unit).clamp(1, even)).max(1);
        let units = Units::cut(collapsed, n_units.div_ceil(n_chunks));

        let chunk_units = units.chunk_unit_start();
        let own = OnceCell::new();
        for (f, r) in factors.iter_mut().zip(&within_rows) {
            f.patterns = share(f, r, (&units, &chunk_units), nodes.adaptive, &kept, &own);
        }
        for (f, r) in cluster_factors.iter_mut().zip(&between_rows) {
            f.patterns = share(f, r, (&units, &units.chunk_start), nodes.adaptive, &kept, &own);
        }
        if let Some(g) = &mut cluster_gaussian {
            let with_rows: Vec<(&Factor, Arc<RowPatterns>)> = g.factors().zip(analytic_rows).collect();
            let own_nodes = nodes.adaptive && g.uses_nodes;
            g.moments = ClusterMoments::new(&model, &sample, &units, &with_rows, own_nodes);
        }
        let sharing = UnitSharing::new(&factors, &units, n_between_cells * nodes.between_nodes, &kept);
        groups.iter_mut().for_each(|g| g.plant(&factors));
        let n_nodes = (nodes.between_nodes, nodes.within_nodes);
        let shape = Shape::new(&model, &between_classes, &groups, n_nodes);
        Ok(Program {
            shape,
            sharing,
            model,
            plan,
            working,
            sample,
            factors,
            cluster_factors,
            cluster_gaussian,
            groups,
            elimination,
            units,
            within_classes,
            between_classes,
            n_between_cells,
            n_nodes,
        })
    }

    pub fn n_outer(&self) -> usize {
        self.n_between_cells * self.n_nodes.0 * self.n_nodes.1
    }
}

fn list_factors(model: &Model, plan: &Plan) -> (Vec<Factor>, Vec<Factor>, Option<ClusterGaussian>) {
    let mut factors: [Vec<Factor>; 2] = [vec![], vec![]];
    let place = |l: Level| if l == Level::Within { 0 } else { 1 };
    for (c, class) in model.classes.iter().enumerate() {
        if class.n_classes > 1 {
            factors[place(class.level)].push(Factor::new(model, plan, FactorKind::Logits(c), class.level));
        }
        if class.known.is_some() {
            factors[place(class.level)].push(Factor::new(model, plan, FactorKind::Known(c), class.level));
        }
    }
    let (mut joint_within, mut joint_between) = (vec![], vec![]);
    for group in &plan.gaussian_groups {
        if Factor::touches_analytic_between(model, plan, group) {
            joint_within.push(Factor::new(model, plan, FactorKind::Gaussian(group.clone()), Level::Within));
            continue;
        }
        let joint = Factor::new(model, plan, FactorKind::Gaussian(group.clone()), Level::Within);
        if group.len() == 1 && joint.analytic.is_empty() {
            factors[0].push(Factor::new(model, plan, FactorKind::Outcome(group[0]), Level::Within));
        } else {
            factors[0].push(joint);
        }
    }
    for (o, outcome) in model.outcomes.iter().enumerate() {
        if outcome.family == Family::Gaussian {
            if outcome.level == Level::Within {
                continue; // in a gaussian group
            }
            let correlated =
                model.covariances.iter().any(|c| matches!(c.of, CovarianceOf::Outcomes(a, b) if a == o || b == o));
            if correlated || Factor::touches_analytic_between(model, plan, &[o]) {
                joint_between.push(o);
                continue;
            }
        }
        factors[place(outcome.level)].push(Factor::new(model, plan, FactorKind::Outcome(o), outcome.level));
    }
    let between = if joint_between.is_empty() {
        vec![]
    } else {
        vec![Factor::new(model, plan, FactorKind::Gaussian(joint_between), Level::Between)]
    };
    let cluster_gaussian = if joint_within.is_empty() && between.is_empty() {
        None
    } else {
        let all = joint_within.iter().chain(&between);
        let mut classes: Vec<usize> = all.clone().flat_map(|f| f.between.iter().copied()).collect();
        classes.sort_unstable();
        classes.dedup();
        let uses_nodes = all.clone().any(|f| f.axis.between());
        let mut parameters: Vec<usize> = all.flat_map(|f| f.parameters.iter().copied()).collect();
        parameters.sort_unstable();
        parameters.dedup();
        let mut slot_of = vec![NONE; model.parameters.len()];
        parameters.iter().enumerate().for_each(|(s, &p)| slot_of[p] = s as u32);
        Some(ClusterGaussian {
            parameters,
            slot_of,
            moments: ClusterMoments::default(),
            uses_nodes,
            classes,
            n_dims: plan.count(Level::Between, How::Analytic),
            within: joint_within,
            between,
        })
    };
    let [within, between] = factors;
    (within, between, cluster_gaussian)
}

impl Group {
    /// Numbers in one row of the tables of the group's factors.
    pub fn row(&self) -> usize {
        self.n_within * self.n_between * self.nodes.0 * self.nodes.1
    }

    /// Sorts the factors by how their patterns are shared and merges those shared by all.
    fn plant(&mut self, factors: &[Factor]) {
        (self.shared, self.local) = self.factors.iter().partition(|&&k| factors[k].patterns.local.is_none());
        let column = |&k: &usize| (factors[k].patterns.n_values(), factors[k].patterns.of_unit.clone());
        self.tree = SumTree::new(self.shared.iter().map(column).collect(), self.row());
    }
}

/// Cell over `classes` of a cell over all between class variables.
pub fn between_cell(program: &Program, classes: &[usize], cell: usize) -> usize {
    shape::cell_over(&program.model, &program.between_classes, classes, cell)
}

fn group(factors: &[Factor]) -> Vec<Group> {
    let mut groups: Vec<Group> = vec![];
    for (k, f) in factors.iter().enumerate() {
        match groups
            .iter_mut()
            .find(|g| g.within == f.within && g.between == f.between && g.axis == f.axis && g.nodes == f.nodes)
        {
            Some(g) => g.factors.push(k),
            None => groups.push(Group {
                factors: vec![k],
                shared: vec![],
                local: vec![],
                tree: SumTree::default(),
                within: f.within.clone(),
                between: f.between.clone(),
                n_within: f.n_within,
                n_between: f.n_between,
                axis: f.axis,
                nodes: f.nodes,
            }),
        }
    }
    groups
}

/// What follows from how rows collapse to units, kept with the sample.
pub struct Kept<'a> {
    sample: &'a Sample,
    /// Row patterns that decide how rows collapse.
    key: Vec<usize>,
}

impl Kept<'_> {
    /// `of`: what else it depends on.
    pub fn get<T: Any + Send + Sync>(&self, of: &[usize], make: impl FnOnce() -> T) -> Arc<T> {
        self.sample.remember(&[&self.key[..], &[usize::MAX], of].concat(), make)
    }
}

/// Decides what a factor's patterns are shared across: everything, a chunk, a cluster's or a unit's own nodes.
/// `cut`: units, and the first of each chunk (clusters for a factor between). `own`: patterns of factors for which
/// every unit is different.
fn share(
    f: &Factor,
    rows: &RowPatterns,
    cut: (&Units, &[usize]),
    adaptive: bool,
    kept: &Kept,
    own: &OnceCell<Arc<Patterns>>,
) -> Arc<Patterns> {
    let (units, chunk_start) = cut;
    let unit_row = if f.level == Level::Within { &units.row } else { &units.cluster_row };
    let n = unit_row.len();
    let own_nodes: Option<Vec<u32>> = if !adaptive || f.axis == Axis::None {
        None
    } else if f.axis.within() || f.level == Level::Between {
        Some((0..n as u32).collect())
    } else {
        Some(units.cluster.clone())
    };
    if let Some(key) = own_nodes {
        return Arc::new(patterns::build(rows, unit_row, &Sharing::Key { key: &key, chunk_start }));
    }
    let of = [usize::from(f.level == Level::Between), rows.id];
    if rows.n_values() * 4 <= n || n < 64 || f.level == Level::Between {
        return kept.get(&of, || patterns::build(rows, unit_row, &Sharing::All));
    }
    if rows.n_values() * 4 > n * 3 && rows.n_designs() == 1 && rows.is_complete() {
        return own.get_or_init(|| Arc::new(patterns::own(unit_row, chunk_start))).clone();
    }
    if rows.are_own() && rows.n_designs() == rows.n_values() {
        return Arc::new(patterns::own_designs(unit_row, chunk_start));
    }
    let mut key = vec![0u32; n];
    for (chunk, w) in chunk_start.windows(2).enumerate() {
        key[w[0]..w[1]].iter_mut().for_each(|k| *k = chunk as u32);
    }
    Arc::new(patterns::build(rows, unit_row, &Sharing::Key { key: &key, chunk_start }))
}
