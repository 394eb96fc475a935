//! Panics as errors.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Result, anyhow};

/// A panic as an error, so that it costs one part and not the run. Nothing that outlives the work
/// is changed by it.
///
/// # Errors
/// Those of the work, and its panic.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or(panic.downcast_ref::<&str>().copied());
        Err(anyhow!(
            "a fault of the program: {}",
            message.unwrap_or("unknown")
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_of_its_part() {
        let told = |work: fn() -> Result<()>| guarded(work).unwrap_err().to_string();
        assert!(told(|| panic!("index {}", 7)).ends_with("program: index 7"));
        assert!(told(|| panic!("empty")).ends_with("program: empty"));
        assert_eq!(guarded(|| Ok(3)).unwrap(), 3);
    }
}
