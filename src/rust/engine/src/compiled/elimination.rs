//! Sum-product over the within class variables: an elimination order on the graph that class regressions and
//! outcome scopes imply (forward–backward for a chain), with index maps worked out once.

use crate::spec::Model;

/// A group of factors of one scope, added together before they enter a clique.
#[derive(Clone, Debug)]
pub struct ScopedGroup {
    /// Clique that takes it; `None`: no within class variable in its scope.
    pub clique: Option<usize>,
    /// [clique cells] cell of the group's within scope.
    pub cell_of: Vec<u32>,
    /// Cells of that scope.
    pub n_cells: usize,
}

/// One step: the variable summed out, over the cells of its neighbours (the separator).
#[derive(Clone, Debug)]
pub struct Clique {
    pub variable: usize,
    /// Other variables of the clique, first fastest; a clique cell is `state(variable) + n_states × separator cell`.
    pub separator: Vec<usize>,
    pub n_states: usize,
    pub n_separator: usize,
    /// Factor groups that enter here.
    pub groups: Vec<usize>,
    /// Earlier cliques whose message enters here, with [clique cells] the message cell.
    pub children: Vec<(usize, Vec<u32>)>,
    pub is_root: bool,
}

impl Clique {
    pub fn n_cells(&self) -> usize {
        self.n_states * self.n_separator
    }
}

#[derive(Clone, Debug, Default)]
pub struct Elimination {
    pub cliques: Vec<Clique>,
    pub groups: Vec<ScopedGroup>,
}

impl Elimination {
    /// `scopes`: within class variables of each factor group (first fastest).
    pub fn new(model: &Model, variables: &[usize], scopes: &[Vec<usize>]) -> Elimination {
        let size = |vars: &[usize]| model.n_cells(vars);
        let mut live: Vec<Vec<usize>> = scopes.to_vec();
        let mut holder: Vec<Held> = (0..scopes.len()).map(Held::Group).collect();
        let mut remaining = variables.to_vec();
        let mut out = Elimination {
            cliques: vec![],
            groups: vec![ScopedGroup { clique: None, cell_of: vec![], n_cells: 1 }; scopes.len()],
        };
        while !remaining.is_empty() {
            let neighbours = |v: usize| {
                let mut n: Vec<usize> =
                    live.iter().filter(|s| s.contains(&v)).flatten().copied().filter(|&w| w != v).collect();
                n.sort_unstable();
                n.dedup();
                n
            };
            let (place, separator) = remaining
                .iter()
                .enumerate()
                .map(|(i, &v)| (i, neighbours(v)))
                .min_by_key(|(i, n)| (size(n) * model.classes[remaining[*i]].n_classes, *i))
                .unwrap_or((0, vec![]));
            let variable = remaining.remove(place);
            let mut vars = vec![variable];
            vars.extend(&separator);
            let number = out.cliques.len();
            let (mut groups, mut children) = (vec![], vec![]);
            let mut k = 0;
            while k < live.len() {
                if !live[k].contains(&variable) {
                    k += 1;
                    continue;
                }
                let map = cell_map(model, &vars, &live[k]);
                match holder[k] {
                    Held::Group(g) => {
                        groups.push(g);
                        let n_cells = size(&live[k]);
                        out.groups[g] = ScopedGroup { clique: Some(number), cell_of: map, n_cells };
                    }
                    Held::Message(c) => children.push((c, map)),
                }
                live.remove(k);
                holder.remove(k);
            }
            let is_root = separator.is_empty();
            if !is_root {
                live.push(separator.clone());
                holder.push(Held::Message(number));
            }
            out.cliques.push(Clique {
                variable,
                n_states: model.classes[variable].n_classes,
                n_separator: size(&separator),
                separator,
                groups,
                children,
                is_root,
            });
        }
        out
    }

    pub fn max_cells(&self) -> usize {
        self.cliques.iter().map(Clique::n_cells).max().unwrap_or(1)
    }
    pub fn total_cells(&self) -> usize {
        self.cliques.iter().map(Clique::n_cells).sum()
    }
}

#[derive(Clone, Copy)]
enum Held {
    Group(usize),
    Message(usize),
}

/// For each cell over `vars` (first fastest), the cell over `scope`.
pub fn cell_map(model: &Model, vars: &[usize], scope: &[usize]) -> Vec<u32> {
    let mut state = vec![0; model.classes.len()];
    (0..model.n_cells(vars))
        .map(|cell| {
            model.set_states(vars, cell, &mut state);
            let (mut index, mut stride) = (0, 1);
            for &s in scope {
                index += state[s] * stride;
                stride *= model.classes[s].n_classes;
            }
            index as u32
        })
        .collect()
}
