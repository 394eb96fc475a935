//! Any text as a configuration, its second half as a `--set`: an error, or a configuration that is
//! recorded and read back as itself.
#![no_main]

use experiments::readers;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (text, option) = match text.split_once('\0') {
        Some((text, option)) => (text, Some(option)),
        None => (text, None),
    };
    if let Some(recorded) = readers::config(text, option) {
        let recorded = recorded.expect("what was read can be recorded");
        let again = readers::config(&recorded, None).expect("what was recorded can be read");
        assert_eq!(again.expect("and recorded"), recorded);
    }
});
