//! The plain model against the NumPy implementation of the same equations
//! (`scripts/fixtures/model_reference.py`): results after one and ten iterations, and the free
//! energy after every single update.

mod common {
    pub mod fixture;
}

use common::fixture::{Case, Step, StepUpdate, assert_close, assert_separation, for_each_case};
use model::reference::{PlainModel, Update};

fn start(case: &Case) -> PlainModel {
    PlainModel::new(case.mixture().view(), &case.sources(), &case.settings(1)).unwrap()
}

/// The updates behind one step of the fixture, which counts `q(K)` of all sources as one and that
/// of a source with a single order, always 1, too.
fn updates(step: &Step, sources: usize) -> Vec<Update> {
    let at = (step.source, step.order);
    match (step.update, at) {
        (StepUpdate::Sources, (None, None)) => vec![Update::Sources],
        (StepUpdate::Dictionary, (Some(source), Some(order))) => {
            vec![Update::Dictionary { source, order }]
        }
        (StepUpdate::Activations, (Some(source), Some(order))) => {
            vec![Update::Activations { source, order }]
        }
        (StepUpdate::OrderPosterior, (None, None)) => (0..sources)
            .map(|source| Update::OrderPosterior { source })
            .collect(),
        (update, _) => panic!("{update:?} of {at:?} in the fixture"),
    }
}

fn check(case: &Case) {
    let sources = case.sources();
    let mut model = start(case);
    for (index, step) in case.free_energy_steps.iter().enumerate() {
        for update in updates(step, sources.len()) {
            model.apply(update);
        }
        let what = format!("{}, step {index}, {:?}", case.case, step.update);
        match (model.free_energy(), step.free_energy) {
            (None, None) => {}
            (Some(found), Some(expected)) => {
                assert_close(&what, found, expected, expected.abs().max(1.0));
            }
            (found, expected) => panic!("{what}: {found:?}, expected {expected:?}"),
        }
    }

    for expected in &case.expected {
        let mut model = start(case);
        for _ in 0..expected.iterations {
            model.iterate();
        }
        let what = format!("{} after {}", case.case, expected.iterations);
        assert_separation(&what, &model.finish().unwrap(), expected);
    }

    let scheduled = start(case).schedule();
    let first_iteration = case.free_energy_steps.iter().filter(|s| s.iteration == 1);
    let in_fixture = first_iteration.flat_map(|step| updates(step, sources.len()));
    let has_choice = |update: &Update| match *update {
        Update::OrderPosterior { source } => sources[source].orders().len() > 1,
        _ => true,
    };
    let in_fixture: Vec<Update> = in_fixture.filter(has_choice).collect();
    assert_eq!(scheduled, in_fixture, "{}", case.case);
}

for_each_case!(check);
