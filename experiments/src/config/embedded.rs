//! The configurations of `configs/`, as of the build: they can be run by name from any folder.

use super::spelling::closest;
use super::{Config, Kind};

/// A configuration of `configs/`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EmbeddedConfig {
    /// As `--config` calls it.
    pub(super) name: &'static str,
    pub(super) text: &'static str,
}

/// The configuration of a name.
macro_rules! embedded {
    ($name:literal) => {
        EmbeddedConfig {
            name: $name,
            text: include_str!(concat!("../../../configs/", $name, ".toml")),
        }
    };
}

impl EmbeddedConfig {
    pub(crate) const TABLE1: Self = embedded!("table1");
    pub(crate) const REALMIX: Self = embedded!("realmix");
    /// All of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::TABLE1,
        embedded!("quick"),
        embedded!("beta_sweep"),
        embedded!("init_sweep"),
        embedded!("iterations"),
        embedded!("mismatch"),
        embedded!("normalisation"),
        Self::REALMIX,
        embedded!("realmix_sweep"),
        embedded!("people"),
    ];

    /// The one of a name.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|config| config.name == name)
    }

    /// The file that it is a copy of, as messages call it.
    pub(super) fn file(self) -> String {
        format!("embedded configs/{}.toml", self.name)
    }

    /// The names of those that a command runs.
    pub(crate) fn names_of(kind: Kind) -> Vec<&'static str> {
        let of_kind = |config: &Self| {
            let read = toml::from_str::<Config>(config.text);
            read.is_ok_and(|config| config.kind() == kind)
        };
        let found = Self::ALL.into_iter().filter(of_kind);
        found.map(|config| config.name).collect()
    }

    /// What there is to say of a name that is neither that of a file nor one of these.
    pub(super) fn hint(name: &str) -> String {
        let names = Self::ALL.map(|config| config.name);
        let guess = match closest(name, names) {
            Some(meant) => format!("did you mean `{meant}`? "),
            None => String::new(),
        };
        let names = names.join(", ");
        format!("{guess}the program has {names}")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn all_configurations_are_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs");
        let files = fs::read_dir(folder).unwrap();
        let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        let mut names = EmbeddedConfig::ALL.map(|config| config.name);
        names.sort_unstable();
        let stems: Vec<&str> = files
            .iter()
            .map(|file| file.file_stem().unwrap().to_str().unwrap())
            .collect();
        assert_eq!(stems, names);
    }

    #[test]
    fn every_command_has_embedded_configurations() {
        for (kind, name) in [
            (Kind::Table1, "quick"),
            (Kind::Sweep, "realmix_sweep"),
            (Kind::Realmix, "people"),
        ] {
            assert!(EmbeddedConfig::names_of(kind).contains(&name));
        }
    }
}
