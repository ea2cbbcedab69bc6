//! Clusters integrated through cross-products against the density of the stacked normal distribution, row by row:
//! shared and distinct designs, missing values, unit weights, covariates in means, loadings and random slopes.

mod common;

use common::builder::*;
use common::{near_truth, Case, Shape};
use mlmix_engine::compiled::cluster_moments::Piece;
use mlmix_engine::fit::Prepared;
use mlmix_engine::likelihood::{evaluate, Want};
use mlmix_engine::linalg::{cholesky_in_place, log_det_from_cholesky, solve_lower};
use mlmix_engine::rng::Stream;
use serde_json::json;

/// Two outcomes with correlated residuals and a factor whose loading on y1 grows with x; random intercept `a` and slope
/// `b` of y0, b regressed on w and on a; a between outcome on a.
fn model(shape: Shape) -> Case {
    let mut s = Spec::default();
    let (v, w) = (s.free("a~~a", 0.8), s.free("b~~b", 0.5));
    s.latent("a", BETWEEN, vec![], v);
    let (bw, ba) = (s.free("b~w", 0.4), s.free("b~a", 0.3));
    s.latent("b", BETWEEN, vec![slope(bw, "w"), loading(ba, "a")], w);
    let v = s.free("f~~f", 0.7);
    s.latent("f", WITHIN, vec![], v);
    let (m0, m1, x1) = (s.free("y0~1", 100.5), s.free("y1~1", -20.2), s.free("y1~x", 0.6));
    let (v0, v1, c, l, lx) = (
        s.positive("y0~~y0", 1.1),
        s.positive("y1~~y1", 0.9),
        s.free("y0~~y1", 0.3),
        s.free("y1~f", 0.8),
        s.free("y1~x:f", 0.2),
    );
    let one = || constant(1.0);
    s.gaussian("y0", vec![intercept(m0), loading(one(), "a"), term(one(), Some("x"), &["b"]), loading(one(), "f")], v0);
    s.gaussian("y1", vec![intercept(m1), slope(x1, "x"), loading(l, "f"), term(lx, Some("x"), &["f"])], v1);
    s.covariance("y0", "y1", c);
    let (m, l, v) = (s.free("p~1", 3.0), s.free("p~a", 0.6), s.positive("p~~p", 0.5));
    s.outcome("p", BETWEEN, json!({"type": "gaussian"}), vec![vec![intercept(m), loading(l, "a")]], vec![v]);
    Case::new("everything gaussian", s, shape)
}

/// log density of cluster `j`'s stacked outcomes at natural parameters in table order.
fn brute_force(case: &Case, j: usize, theta: &[f64]) -> f64 {
    let [va, vb, bw, ba, vf, m0, m1, x1, v0, v1, c01, l, lx, mp, lp, vp] = theta[..] else { panic!() };
    let (y, x, w) = (["y0", "y1"].map(|n| case.column(n).to_vec()), case.column("x"), case.column("w"));
    let cluster = case.data.cluster.as_ref().unwrap();
    // every entry: value − mean, loadings on (a, residual of b), loading on f, its row and outcome
    let mut stacked: Vec<(f64, [f64; 2], f64, usize, usize)> = vec![];
    let rows: Vec<usize> = (0..cluster.len()).filter(|&r| cluster[r] == j).collect();
    let mut copy = 0;
    for &r in &rows {
        let weight = case.data.unit_weights.as_ref().map_or(1, |u| u[r] as usize);
        for _ in 0..weight {
            let mean = [m0 + x[r] * bw * w[r], m1 + x1 * x[r]];
            let loadings = [[1.0 + x[r] * ba, x[r]], [0.0, 0.0]];
            let factor = [1.0, l + lx * x[r]];
            for o in 0..2 {
                if !y[o][r].is_nan() {
                    stacked.push((y[o][r] - mean[o], loadings[o], factor[o], copy, o));
                }
            }
            copy += 1;
        }
    }
    stacked.push((case.column("p")[rows[0]] - mp, [lp, 0.0], 0.0, copy, 2));
    let n = stacked.len();
    let mut sigma = vec![0.0; n * n];
    for (i, s) in stacked.iter().enumerate() {
        for (k, t) in stacked.iter().enumerate() {
            sigma[i * n + k] = s.1[0] * t.1[0] * va + s.1[1] * t.1[1] * vb;
            if s.3 == t.3 {
                let residual = [[v0, c01, 0.0], [c01, v1, 0.0], [0.0, 0.0, vp]];
                sigma[i * n + k] += s.2 * t.2 * vf + residual[s.4][t.4];
            }
        }
    }
    assert!(cholesky_in_place(&mut sigma, n));
    let mut z: Vec<f64> = stacked.iter().map(|s| s.0).collect();
    solve_lower(&sigma, n, &mut z);
    let quadratic: f64 = z.iter().map(|v| v * v).sum();
    -0.5 * (n as f64 * (2.0 * std::f64::consts::PI).ln() + log_det_from_cholesky(&sigma, n) + quadratic)
}

fn check(case: &Case) -> Prepared {
    let p = case.prepared();
    let x = near_truth(case, &p, &mut Stream::new(8, 0), 0.1);
    let working = p.space.to_working(&x);
    let natural = p.program.working.to_natural(&working);
    let e = evaluate(&p.program, &p.nodes, &working, Want::default());
    for (j, &distinct) in p.program.units.of_cluster.iter().enumerate() {
        let (got, want) = (e.clusters[distinct as usize], brute_force(case, j, &natural));
        assert!((got - want).abs() < 1e-9 * (1.0 + want.abs()), "cluster {j}: {got} instead of {want}");
    }
    p
}

fn pieces(p: &Prepared) -> &[Piece] {
    &p.program.cluster_gaussian.as_ref().unwrap().moments.pieces
}

#[test]
fn clusters_of_few_designs() {
    let mut case = model(Shape::Clusters(30));
    // the same x in every cluster, one w, nothing missing: three designs, by size
    let cluster = case.data.cluster.clone().unwrap();
    let first = |r: usize| cluster.iter().position(|&j| j == cluster[r]).unwrap();
    *case.column_mut("x") = (0..cluster.len()).map(|r| (r - first(r)) as f64).collect();
    case.column_mut("w").fill(0.5);
    ["y0", "y1"].iter().for_each(|y| case.column_mut(y).fill(0.0));
    case.redraw(3);
    let p = check(&case);
    assert_eq!(pieces(&p).iter().map(|piece| piece.n_groups).sum::<usize>(), 3);
}

#[test]
fn clusters_of_distinct_designs_with_missing_values() {
    let mut case = model(Shape::Clusters(20));
    let mut rng = Stream::new(12, 0);
    case.column_mut("x").iter_mut().for_each(|x| *x = 50.0 + rng.normal());
    case.redraw(4);
    for (name, every) in [("y0", 5), ("y1", 3)] {
        let column = case.column_mut(name);
        (0..column.len()).step_by(every).for_each(|r| column[r] = f64::NAN);
    }
    let p = check(&case);
    assert_eq!(pieces(&p).iter().map(|piece| piece.n_groups).sum::<usize>(), 20);
}

#[test]
fn unit_weights_repeat_rows() {
    let mut case = model(Shape::Clusters(20));
    let n = case.n_rows();
    case.data.unit_weights = Some((0..n).map(|r| 1.0 + (r % 3) as f64).collect());
    check(&case);
}
