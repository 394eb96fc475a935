//! Accelerated iterations of the structured posterior against NumPy
//! (`scripts/fixtures/accelerated_reference.py`), within a cycle and at the end of the fourth.

mod common {
    #[allow(dead_code, reason = "other tests read all cases")]
    pub(crate) mod fixture;
}

use common::fixture::{Case, assert_separation, for_each_case};
use model::{Acceleration, Execution, Inference, Posterior, Settings};

fn check(json: &str) {
    let case = Case::read(json);
    for expected in &case.expected {
        let settings = Settings {
            posterior: Posterior::Structured,
            acceleration: Acceleration::Squarem,
            ..case.settings(expected.iterations)
        };
        let found = Inference::new(settings)
            .unwrap()
            .with_execution(Execution::Serial)
            .separate(case.mixture().view(), &case.sources())
            .unwrap();
        let what = format!("{} after {}", case.case, expected.iterations);
        assert_separation(&what, &found, expected);
    }
}

for_each_case!(accelerated: check: paper, zeros, three_sources, known_background);
