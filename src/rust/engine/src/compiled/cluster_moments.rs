//! Cross-products through which clusters enter their normal densities, worked out once.
//!
//! A block is a gaussian factor with a set of observed outcomes y (and of covariates that shape their residual
//! covariance). Its rows i in cluster j, n_i times each, enter through N = Σ n_i, Σ n_i X Xᵀ, Σ n_i y Xᵀ, Σ n_i y yᵀ,
//! with X the factor's columns (`linear`). Clusters with equal N and Σ n X Xᵀ in every block form a group: they share
//! the posterior covariance of their random effects.

use std::ops::Range;
use std::sync::Arc;

use super::factor::{Factor, FactorKind, NONE};
use super::linear::Linear;
use super::units::Units;
use crate::data::row_patterns::{QuickMap, RowPatterns};
use crate::data::Sample;
use crate::spec::{Level, Model};

#[derive(Clone, Debug)]
pub struct Block {
    /// Among the cluster's gaussian factors, within ones first.
    pub factor: usize,
    /// Positions of the observed outcomes in the factor's group.
    pub observed: Vec<usize>,
    /// A data row that shows the covariates that shape its covariance.
    pub row: usize,
}

/// The part of one group of clusters in a block.
#[derive(Clone, Copy, Debug)]
pub struct Design {
    pub group: u32,
    /// N
    pub n: f64,
}

#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Number of the cluster within its piece.
    pub cluster: u32,
    pub design: u32,
}

/// A block in the clusters of one piece.
#[derive(Clone, Debug)]
pub struct Portion {
    pub block: usize,
    /// Observed outcomes and columns.
    pub p: usize,
    pub m: usize,
    pub designs: Vec<Design>,
    /// [designs × m × m] Σ n X Xᵀ
    pub xx: Vec<f64>,
    pub members: Vec<Member>,
    /// [members × p × m] Σ n y Xᵀ
    pub yx: Vec<f64>,
    /// [members × p × p] Σ n y yᵀ
    pub yy: Vec<f64>,
}

/// Groups with about the same number of rows in every block: the expected information is worked out for their mean.
#[derive(Clone, Debug)]
pub struct Alike {
    pub groups: Vec<u32>,
    /// (portion, design of each group in it)
    pub parts: Vec<(usize, Vec<u32>)>,
}

/// Clusters that share their nodes: those of a chunk, or a single cluster whose nodes are adapted to it.
#[derive(Clone, Debug)]
pub struct Piece {
    pub clusters: Range<usize>,
    pub portions: Vec<Portion>,
    pub n_groups: usize,
    /// [clusters]
    pub group_of: Vec<u32>,
    pub alike: Vec<Alike>,
    /// (portion, member) of each cluster: those of cluster k at `start[k]..start[k + 1]`.
    start: Vec<usize>,
    of_cluster: Vec<(u32, u32)>,
}

impl Piece {
    /// (portion, member) of the cluster with this number within the piece.
    pub fn of_cluster(&self, k: usize) -> &[(u32, u32)] {
        &self.of_cluster[self.start[k]..self.start[k + 1]]
    }
}

#[derive(Clone, Debug, Default)]
pub struct ClusterMoments {
    pub blocks: Vec<Block>,
    pub pieces: Vec<Piece>,
    /// First piece of each chunk, [n_chunks + 1].
    pub chunk_start: Vec<usize>,
}

/// A row of the data with the count of its unit.
struct Row {
    block: usize,
    x: Vec<f64>,
    y: Vec<f64>,
    count: f64,
}

/// Moments of one cluster in one block.
struct Sums {
    block: usize,
    n: f64,
    xx: Vec<f64>,
    yx: Vec<f64>,
    yy: Vec<f64>,
}

/// Reads the rows of the clusters.
struct Reader<'a> {
    model: &'a Model,
    sample: &'a Sample,
    units: &'a Units,
    /// Factors with their row patterns.
    factors: &'a [(&'a Factor, Arc<RowPatterns>)],
    /// Block of each (factor, design).
    blocks: QuickMap<(u32, u32), u32>,
    list: Vec<Block>,
}

fn group_of(f: &Factor) -> &[usize] {
    match &f.kind {
        FactorKind::Gaussian(group) => group,
        _ => &[],
    }
}

impl Reader<'_> {
    fn block(&mut self, factor: usize, row: usize) -> usize {
        let (f, patterns) = &self.factors[factor];
        let next = self.list.len() as u32;
        let id = *self.blocks.entry((factor as u32, patterns.design(row))).or_insert(next);
        if id == next {
            let column = |o: usize| &self.sample.columns[self.model.outcomes[o].column];
            let group = group_of(f);
            let observed = (0..group.len()).filter(|&i| !column(group[i])[row].is_nan()).collect();
            self.list.push(Block { factor, observed, row });
        }
        id as usize
    }

    /// Rows of a cluster, by block and then by X, so that clusters of the same design add up to the same bits.
    fn rows(&mut self, j: usize) -> Vec<Row> {
        let mut out: Vec<Row> = vec![];
        for factor in 0..self.factors.len() {
            let (f, patterns) = &self.factors[factor];
            let Some(linear) = &f.linear else { continue };
            let units = self.units;
            let rows: Vec<(usize, f64)> = match f.level {
                Level::Within => (units.cluster_start[j]..units.cluster_start[j + 1])
                    .map(|u| (units.row[u] as usize, units.count[u]))
                    .collect(),
                Level::Between => vec![(units.cluster_row[j] as usize, 1.0)],
            };
            let group = group_of(f);
            for (row, count) in rows.into_iter().filter(|r| patterns.value[r.0] != NONE) {
                let block = self.block(factor, row);
                let mut x = vec![0.0; linear.n_columns];
                linear.fill_x(&self.sample.columns, row, &mut x);
                let y = self.list[block].observed.iter().map(|&i| self.outcome(linear, group, i, row)).collect();
                out.push(Row { block, x, y, count });
            }
        }
        out.sort_by(|a, b| {
            let by_x = || a.x.iter().zip(&b.x).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne());
            a.block
                .cmp(&b.block)
                .then_with(|| by_x().unwrap_or(std::cmp::Ordering::Equal))
                .then(a.count.total_cmp(&b.count))
        });
        out
    }

    /// Centred value of the group's i-th outcome.
    fn outcome(&self, linear: &Linear, group: &[usize], i: usize, row: usize) -> f64 {
        self.sample.columns[self.model.outcomes[group[i]].column][row] - linear.outcome_centre[i]
    }

    fn sums(&mut self, j: usize) -> Vec<Sums> {
        let mut out: Vec<Sums> = vec![];
        for r in self.rows(j) {
            let (p, m) = (r.y.len(), r.x.len());
            if out.last().is_none_or(|s| s.block != r.block) {
                out.push(Sums {
                    block: r.block,
                    n: 0.0,
                    xx: vec![0.0; m * m],
                    yx: vec![0.0; p * m],
                    yy: vec![0.0; p * p],
                });
            }
            let Some(s) = out.last_mut() else { continue };
            s.n += r.count;
            for a in 0..m {
                (0..m).for_each(|b| s.xx[a * m + b] += r.count * (r.x[a] * r.x[b]));
            }
            for i in 0..p {
                (0..m).for_each(|a| s.yx[i * m + a] += r.count * r.y[i] * r.x[a]);
                (0..p).for_each(|k| s.yy[i * p + k] += r.count * (r.y[i] * r.y[k]));
            }
        }
        out
    }

    fn piece(&mut self, clusters: Range<usize>) -> Piece {
        let mut out = Piece {
            clusters: clusters.clone(),
            portions: vec![],
            n_groups: 0,
            group_of: vec![],
            alike: vec![],
            start: vec![0],
            of_cluster: vec![],
        };
        let mut portion_of: QuickMap<u32, u32> = QuickMap::default();
        let mut groups: QuickMap<Vec<u64>, u32> = QuickMap::default();
        let mut designs: Vec<Vec<u32>> = vec![];
        let mut alike: QuickMap<Vec<u64>, u32> = QuickMap::default();
        for (k, j) in clusters.enumerate() {
            let sums = self.sums(j);
            let portions: Vec<usize> = sums
                .iter()
                .map(|s| {
                    let next = out.portions.len() as u32;
                    let id = *portion_of.entry(s.block as u32).or_insert(next);
                    if id == next {
                        let p = self.list[s.block].observed.len();
                        out.portions.push(Portion::new(s.block, p, s.yx.len() / p));
                    }
                    id as usize
                })
                .collect();
            let bits = |s: &Sums| {
                let all = std::iter::once(s.n).chain(s.xx.iter().copied());
                all.map(|v| (v + 0.0).to_bits()).collect::<Vec<_>>()
            };
            let key: Vec<u64> = sums.iter().flat_map(|s| std::iter::once(s.block as u64).chain(bits(s))).collect();
            let next = groups.len() as u32;
            let group = *groups.entry(key).or_insert(next);
            if group == next {
                designs.push(sums.iter().zip(&portions).map(|(s, &p)| out.portions[p].add_design(group, s)).collect());
                let key = sums.iter().flat_map(|s| [s.block as u64, (4.0 * s.n.ln()).round() as i64 as u64]).collect();
                let next = alike.len() as u32;
                let a = *alike.entry(key).or_insert(next);
                if a == next {
                    out.alike.push(Alike { groups: vec![], parts: portions.iter().map(|&p| (p, vec![])).collect() });
                }
                let a = &mut out.alike[a as usize];
                a.groups.push(group);
                a.parts.iter_mut().zip(&designs[group as usize]).for_each(|(part, &d)| part.1.push(d));
            }
            for ((s, &p), &design) in sums.iter().zip(&portions).zip(&designs[group as usize]) {
                let portion = &mut out.portions[p];
                out.of_cluster.push((p as u32, portion.members.len() as u32));
                portion.members.push(Member { cluster: k as u32, design });
                portion.yx.extend(&s.yx);
                portion.yy.extend(&s.yy);
            }
            out.start.push(out.of_cluster.len());
            out.group_of.push(group);
        }
        out.n_groups = groups.len();
        out
    }
}

impl Portion {
    fn new(block: usize, p: usize, m: usize) -> Portion {
        Portion { block, p, m, designs: vec![], xx: vec![], members: vec![], yx: vec![], yy: vec![] }
    }
    fn add_design(&mut self, group: u32, s: &Sums) -> u32 {
        self.designs.push(Design { group, n: s.n });
        self.xx.extend(&s.xx);
        self.designs.len() as u32 - 1
    }
}

impl ClusterMoments {
    /// `own_nodes`: every cluster is a piece of its own.
    pub fn new(
        model: &Model,
        sample: &Sample,
        units: &Units,
        factors: &[(&Factor, Arc<RowPatterns>)],
        own_nodes: bool,
    ) -> ClusterMoments {
        let mut reader = Reader { model, sample, units, factors, blocks: QuickMap::default(), list: vec![] };
        let mut out = ClusterMoments { chunk_start: vec![0], ..ClusterMoments::default() };
        for chunk in units.chunk_start.windows(2) {
            if own_nodes {
                out.pieces.extend((chunk[0]..chunk[1]).map(|j| reader.piece(j..j + 1)));
            } else {
                out.pieces.push(reader.piece(chunk[0]..chunk[1]));
            }
            out.chunk_start.push(out.pieces.len());
        }
        out.blocks = reader.list;
        out
    }
}
