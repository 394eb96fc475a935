//! Any text as a configuration, its second half as a `--set`: an error, or a configuration that is recorded and read
//! back as itself.
#![no_main]

use experiments::config::{Sources, resolve};
use experiments::sweep::Design;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (text, option) = text.split_once('\0').unwrap_or((text, ""));
    let sources = Sources {
        set: (!option.is_empty())
            .then(|| option.to_owned())
            .into_iter()
            .collect(),
        ..Sources::default()
    };
    let config = match resolve("fuzz.toml", text, &sources) {
        Ok(config) => config,
        Err(error) => {
            assert!(!format!("{error:#}").is_empty());
            return;
        }
    };
    let recorded = toml::to_string(&config).expect("what was read can be recorded");
    let again = resolve("recorded.toml", &recorded, &Sources::default());
    assert_eq!(again.expect("what was recorded can be read"), config);
    // A design of very many runs is valid and slow to write down.
    let points = |sweep: &experiments::config::Sweep| {
        let lengths = sweep.axis.iter().map(|axis| axis.settings().len());
        lengths.fold(1, usize::saturating_mul)
    };
    if config.sweep.as_ref().is_some_and(|sweep| points(sweep) <= 100) {
        let _ = Design::of(&config);
    }
});
