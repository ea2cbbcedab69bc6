//! Sums of scores and of complete-data information over the model's parameters.

/// Gradient [n_parameters] and, if wanted, information [n_parameters × n_parameters] (symmetric, both triangles).
#[derive(Clone, Debug, Default)]
pub struct Accumulator {
    pub gradient: Vec<f64>,
    pub information: Option<Vec<f64>>,
}

impl Accumulator {
    pub fn new(n_parameters: usize, want_information: bool) -> Accumulator {
        Accumulator {
            gradient: vec![0.0; n_parameters],
            information: want_information.then(|| vec![0.0; n_parameters * n_parameters]),
        }
    }
    /// Itself, after making room if it is still empty.
    pub fn sized(&mut self, n_parameters: usize, want_information: bool) -> &mut Accumulator {
        if self.gradient.is_empty() {
            *self = Accumulator::new(n_parameters, want_information);
        }
        self
    }
    pub fn add(&mut self, other: &Accumulator) {
        self.gradient.iter_mut().zip(&other.gradient).for_each(|(a, b)| *a += b);
        if let (Some(a), Some(b)) = (&mut self.information, &other.information) {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        }
    }
    /// Adds a factor's own sums, kept by slot, to the parameters its slots stand for.
    pub fn scatter(&mut self, parameters: &[usize], gradient: &[f64], information: &[f64]) {
        let m = parameters.len();
        for (s, &p) in parameters.iter().enumerate() {
            self.gradient[p] += gradient[s];
        }
        if let Some(all) = &mut self.information {
            let n = self.gradient.len();
            for (s, &p) in parameters.iter().enumerate() {
                for (t, &q) in parameters.iter().enumerate() {
                    all[p * n + q] += information[s * m + t];
                }
            }
        }
    }
}

/// A factor's own sums by slot; information is filled symmetrically.
#[derive(Default)]
pub struct SlotSums {
    pub n: usize,
    pub gradient: Vec<f64>,
    pub information: Vec<f64>,
    pub want_information: bool,
}

impl SlotSums {
    pub fn reset(&mut self, n: usize, want_information: bool) {
        self.n = n;
        self.want_information = want_information;
        self.gradient.clear();
        self.gradient.resize(n, 0.0);
        self.information.clear();
        self.information.resize(if want_information { n * n } else { 0 }, 0.0);
    }
    #[inline]
    pub fn add_information(&mut self, s: usize, t: usize, v: f64) {
        self.information[s * self.n + t] += v;
        if s != t {
            self.information[t * self.n + s] += v;
        }
    }
}
