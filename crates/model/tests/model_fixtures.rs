//! The model against a plain NumPy implementation of the same equations
//! (`scripts/fixtures/model_reference.py`), after one and after ten iterations.

mod common {
    pub(crate) mod fixture;
}

use common::fixture::{Case, assert_separation, for_each_case};
use model::{Execution, Inference};

fn check(json: &str) {
    let case = Case::read(json);
    for expected in &case.expected {
        let found = Inference::new(case.settings(expected.iterations))
            .unwrap()
            .with_execution(Execution::Serial)
            .separate(case.mixture().view(), &case.sources())
            .unwrap();
        let what = format!("{} after {}", case.case, expected.iterations);
        assert_separation(&what, &found, expected);
    }
}

for_each_case!(model: check);
