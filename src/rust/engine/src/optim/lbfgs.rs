//! L-BFGS directions for maximisation, with a scaling matrix as the seed (Nocedal & Wright 2006, algorithm 7.4;
//! Jamshidian & Jennrich 1997 for seeding with the EM information).

use std::collections::VecDeque;

use super::dot;
use super::scaled_step::Scaling;

pub struct Lbfgs {
    memory: usize,
    /// (s, y, 1 / sᵀy) with y = −Δ gradient
    pairs: VecDeque<(Vec<f64>, Vec<f64>, f64)>,
}

impl Lbfgs {
    pub fn new(memory: usize) -> Lbfgs {
        Lbfgs { memory, pairs: VecDeque::new() }
    }

    pub fn clear(&mut self) {
        self.pairs.clear();
    }

    /// Learns from a step; pairs without positive curvature are left out.
    pub fn update(&mut self, s: Vec<f64>, y: Vec<f64>) {
        let sy = dot(&s, &y);
        if sy > 1e-12 * dot(&s, &s).sqrt() * dot(&y, &y).sqrt() {
            if self.pairs.len() == self.memory {
                self.pairs.pop_front();
            }
            self.pairs.push_back((s, y, 1.0 / sy));
        }
    }

    /// H g, an ascent direction.
    pub fn direction(&self, g: &[f64], seed: &Scaling, held: &[bool]) -> Vec<f64> {
        let mut q: Vec<f64> = g.iter().zip(held).map(|(g, h)| if *h { 0.0 } else { *g }).collect();
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for (s, y, rho) in self.pairs.iter().rev() {
            let a = rho * dot(s, &q);
            q.iter_mut().zip(y).for_each(|(q, y)| *q -= a * y);
            alphas.push(a);
        }
        let mut r = seed.solve(&q, held);
        for ((s, y, rho), a) in self.pairs.iter().zip(alphas.iter().rev()) {
            let b = rho * dot(y, &r);
            r.iter_mut().zip(s).for_each(|(r, s)| *r += s * (a - b));
        }
        r.iter_mut().zip(held).for_each(|(r, h)| {
            if *h {
                *r = 0.0;
            }
        });
        r
    }
}
