//! The kernels that E-steps are made of: exponentials, log-sum-exp, tails of the normal, small dense algebra.

use std::hint::black_box;
use std::time::Duration;

use criterion::{criterion_group, criterion_main, Criterion, Throughput};

use mlmix_engine::{linalg, numeric, vector};

const N: usize = 1024;

type Function = fn(f64) -> f64;

/// Numbers between −8 and 8.
fn numbers() -> Vec<f64> {
    (0..N).map(|i| ((i * 7919) % 1601) as f64 * 0.01 - 8.0).collect()
}

/// A well conditioned covariance matrix.
fn covariance(n: usize) -> Vec<f64> {
    (0..n * n).map(|k| if k % (n + 1) == 0 { 2.0 } else { 0.5 / (1.0 + k.abs_diff(n) as f64) }).collect()
}

fn vectors(c: &mut Criterion) {
    let x = numbers();
    let mut group = c.benchmark_group("vector");
    group.throughput(Throughput::Elements(N as u64));
    let mut out = x.clone();
    group.bench_function("exp_in_place", |b| {
        b.iter(|| {
            out.copy_from_slice(&x);
            vector::exp_in_place(black_box(&mut out));
        })
    });
    group.bench_function("std_exp", |b| b.iter(|| x.iter().zip(&mut out).for_each(|(x, out)| *out = x.exp())));
    group.bench_function("exp_normalise", |b| {
        b.iter(|| {
            out.copy_from_slice(&x);
            vector::exp_normalise(black_box(&mut out))
        })
    });
    let ones = vec![1.5; N];
    group.bench_function("add_ln", |b| b.iter(|| vector::add_ln(black_box(&ones), &mut out)));
    let y: Vec<f64> = (0..N).map(|i| (i % 2) as f64).collect();
    group
        .bench_function("log_bernoulli_logit", |b| b.iter(|| vector::log_bernoulli_logit(black_box(&y), &x, &mut out)));
    let mut information = vec![0.0; N];
    group.bench_function("add_logistic_scores", |b| {
        b.iter(|| vector::add_logistic_scores(black_box(&y), &x, &ones, &mut out, &mut information))
    });
    group.finish();
}

fn scalars(c: &mut Criterion) {
    let x = numbers();
    let mut group = c.benchmark_group("numeric");
    group.throughput(Throughput::Elements(N as u64));
    let functions: [(&str, Function); 4] = [
        ("log_expit", numeric::log_expit),
        ("log_normal_cdf", numeric::log_normal_cdf),
        ("inverse_mills", numeric::inverse_mills),
        ("ln_gamma", |x| numeric::ln_gamma(x.abs() + 0.5)),
    ];
    for (name, f) in functions {
        group.bench_function(name, |b| b.iter(|| x.iter().map(|x| f(black_box(*x))).sum::<f64>()));
    }
    for width in [3, 64] {
        group.bench_function(format!("log_sum_exp of {width}"), |b| {
            b.iter(|| x.chunks_exact(width).map(|part| numeric::log_sum_exp(black_box(part))).sum::<f64>())
        });
    }
    group.finish();
}

fn algebra(c: &mut Criterion) {
    let mut group = c.benchmark_group("linalg");
    for n in [2, 6, 60] {
        let a = covariance(n);
        group.bench_function(format!("cholesky {n}"), |b| {
            b.iter(|| {
                let mut l = a.clone();
                assert!(linalg::cholesky_in_place(black_box(&mut l), n));
                l
            })
        });
        let mut out = vec![0.0; n * n];
        group.bench_function(format!("matmul {n}"), |b| {
            b.iter(|| linalg::matmul(black_box(&a), black_box(&a), (n, n, n), &mut out))
        });
    }
    group.finish();
}

criterion_group! {
    name = kernels;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    targets = vectors, scalars, algebra
}
criterion_main!(kernels);
