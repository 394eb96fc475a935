//! `completions`: a script for a shell.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use super::ending::{Ending, Failure, say};

/// Whom to tell.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell. For bash, the script goes to ~/.local/share/bash-completion/completions/vbnmf
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsArguments {
    /// Writes the script for a command line to standard output.
    ///
    /// # Errors
    /// Standard output that cannot be written to.
    pub(crate) fn run(&self, command: &mut Command) -> Result<Ending, Failure> {
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        generate(self.shell, command, name, &mut script);
        say(&String::from_utf8_lossy(&script))?;
        Ok(Ending::Done)
    }
}
