//! The structured posterior against NumPy (`scripts/fixtures/structured_reference.py`), after one
//! and after ten iterations.

mod common {
    pub(crate) mod fixture;
}

use common::fixture::{Case, assert_separation, for_each_case};
use model::plain::StructuredModel;
use model::{Execution, Inference, Posterior, Settings};

fn check(json: &str) {
    let case = Case::read(json);
    for expected in &case.expected {
        let settings = Settings {
            posterior: Posterior::Structured,
            ..case.settings(expected.iterations)
        };
        let (mixture, sources) = (case.mixture(), case.sources());
        let mut plain = StructuredModel::new(mixture.view(), &sources, &settings).unwrap();
        for _ in 0..expected.iterations {
            plain.iterate();
        }
        let what = format!("{} after {}", case.case, expected.iterations);
        assert_separation(
            &format!("plain, {what}"),
            &plain.finish().unwrap(),
            expected,
        );

        let tiled = Inference::new(settings)
            .unwrap()
            .with_execution(Execution::Serial)
            .separate(mixture.view(), &sources)
            .unwrap();
        assert_separation(&format!("tiled, {what}"), &tiled, expected);
    }
}

for_each_case!(structured: check);
