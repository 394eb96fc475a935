//! The plain model against the NumPy implementation of the same equations
//! (`scripts/fixtures/model_reference.py`): results after one and ten iterations, and the free
//! energy after every single update.

mod common {
    pub(crate) mod fixture;
}

use common::fixture::{Case, assert_close, assert_separation, for_each_case};
use model::plain::{PlainModel, Update};
use serde::Deserialize;

/// The free energy after every update of the longest run, from the fixture of a [`Case`].
#[derive(Deserialize)]
struct Trace {
    free_energy_steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    iteration: usize,
    update: StepUpdate,
    source: Option<usize>,
    order: Option<usize>,
    free_energy: Option<f64>,
}

#[derive(Deserialize, Debug, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum StepUpdate {
    Sources,
    Dictionary,
    Activations,
    OrderPosterior,
}

fn start(case: &Case) -> PlainModel {
    PlainModel::new(case.mixture().view(), &case.sources(), &case.settings(1)).unwrap()
}

/// The update behind a step of the fixture.
fn update(step: &Step) -> Update {
    match (step.update, step.source, step.order) {
        (StepUpdate::Sources, None, None) => Update::Sources,
        (StepUpdate::Dictionary, Some(source), Some(order)) => Update::Dictionary { source, order },
        (StepUpdate::Activations, Some(source), Some(order)) => {
            Update::Activations { source, order }
        }
        (StepUpdate::OrderPosterior, None, None) => Update::OrderPosterior,
        (update, source, order) => panic!("{update:?} of {source:?}, {order:?} in the fixture"),
    }
}

fn check(json: &str) {
    let case = Case::read(json);
    let trace: Trace = serde_json::from_str(json).unwrap();
    assert_free_energies(&case, &trace.free_energy_steps);
    assert_schedule(&case, &trace.free_energy_steps);
    for expected in &case.expected {
        let mut model = start(&case);
        for _ in 0..expected.iterations {
            model.iterate();
        }
        let what = format!("{} after {}", case.case, expected.iterations);
        assert_separation(&what, &model.finish().unwrap(), expected);
    }
}

fn assert_free_energies(case: &Case, steps: &[Step]) {
    let mut model = start(case);
    for (index, step) in steps.iter().enumerate() {
        model.apply(update(step));
        let what = format!("{}, step {index}, {:?}", case.case, step.update);
        match (model.free_energy(), step.free_energy) {
            (None, None) => {}
            (Some(found), Some(expected)) => {
                assert_close(&what, found, expected, expected.abs().max(1.0));
            }
            (found, expected) => panic!("{what}: {found:?}, expected {expected:?}"),
        }
    }
}

/// An iteration makes the updates of the fixture's, in its order.
fn assert_schedule(case: &Case, steps: &[Step]) {
    let iteration = steps.iter().filter(|step| step.iteration == 1);
    let expected: Vec<Update> = iteration.map(update).collect();
    assert_eq!(start(case).schedule(), expected, "{}", case.case);
}

for_each_case!(model: check);
