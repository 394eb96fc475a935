//! Reading the results of a run back. Every error names the file, and the line where there is one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use dsp::audio::{Audio, decode, read_mono};
use toml::Table;

use super::csv::{self, Labelled, Row};
use super::rows::{DifferenceRow, EffectiveOrdersRow, MeanRow, Time, TimeRow};
use crate::config::{Config, Kind};
use crate::store::folder::CONFIG;
use crate::store::refused::Refused;
use crate::study::design::{Case, Study};
use crate::study::statistics::Summary;

/// The names of the means: `table1.csv` is the paper's table.
pub(crate) fn means_file(kind: Kind) -> &'static str {
    match kind {
        Kind::Table1 => "table1.csv",
        Kind::Sweep | Kind::Realmix => "summary.csv",
    }
}

/// The results of a run: a folder that holds them, or files that are still to be written.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// None for files that are still to be written.
    path: Option<PathBuf>,
    config: Table,
    /// Names and contents.
    unwritten: Vec<(String, Vec<u8>)>,
}

impl Recorded {
    /// Opens a results folder.
    ///
    /// # Errors
    /// [`Refused`] for no folder of that name, and for one without a configuration: not a run, or
    /// one that was cut short. A configuration that cannot be read.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            bail!(Refused(format!(
                "{}: there is no such folder",
                path.display()
            )));
        }
        let file = path.join(CONFIG);
        if !file.is_file() {
            bail!(Refused(format!(
                "{} does not hold the results of a run: {CONFIG} is missing",
                path.display()
            )));
        }
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let config = toml::from_str(&text).with_context(|| file.display().to_string())?;
        Ok(Self {
            path: Some(path.to_owned()),
            config,
            unwritten: Vec::new(),
        })
    }

    /// The results of a run that are still to be written, files by name.
    pub(crate) fn from_files(config: &Config, files: Vec<(String, Vec<u8>)>) -> Result<Self> {
        Ok(Self {
            path: None,
            config: Table::try_from(config)?,
            unwritten: files,
        })
    }

    /// The files of [`Recorded::from_files`].
    pub(crate) fn into_files(self) -> Vec<(String, Vec<u8>)> {
        self.unwritten
    }

    pub(crate) fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new(""))
    }

    /// The recorded configuration, of whatever version.
    pub(crate) fn config_table(&self) -> &Table {
        &self.config
    }

    /// The recorded configuration.
    ///
    /// # Errors
    /// A configuration of another version.
    pub(crate) fn config(&self) -> Result<Config> {
        let config: Config = self
            .config
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| anyhow!("{}", error.message()))
            .with_context(|| self.file(CONFIG).display().to_string())?;
        config
            .validate()
            .with_context(|| self.file(CONFIG).display().to_string())?;
        Ok(config)
    }

    /// Where a result is, or would be.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// A result in messages.
    pub(crate) fn name(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }

    /// Whether a result is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.unwritten(name).is_some() || (self.path.is_some() && self.file(name).is_file())
    }

    /// Where a result is that has been written.
    fn written(&self, name: &str) -> Result<PathBuf> {
        ensure!(self.path.is_some(), "the run has made no {name}");
        Ok(self.file(name))
    }

    fn unwritten(&self, name: &str) -> Option<&[u8]> {
        let found = self.unwritten.iter().find(|(other, _)| other == name);
        found.map(|(_, contents)| &contents[..])
    }

    /// The contents of a result.
    ///
    /// # Errors
    /// A file that is missing or cannot be read.
    pub(crate) fn bytes(&self, name: &str) -> Result<Vec<u8>> {
        match self.unwritten(name) {
            Some(contents) => Ok(contents.to_owned()),
            None => {
                let file = self.written(name)?;
                fs::read(&file).with_context(|| format!("cannot read {}", file.display()))
            }
        }
    }

    /// A signal of an example.
    ///
    /// # Errors
    /// A file that is missing or no audio.
    pub(crate) fn audio(&self, name: &str) -> Result<Audio> {
        match self.unwritten(name) {
            Some(contents) => {
                let audio = decode(contents).with_context(|| name.to_owned())?;
                Ok(audio.mixed_down())
            }
            None => Ok(read_mono(self.written(name)?)?),
        }
    }

    /// The rows of a table.
    pub(crate) fn rows<R: Row>(&self, name: &str) -> Result<Vec<Labelled<R>>> {
        csv::read(&self.bytes(name)?).with_context(|| self.file(name).display().to_string())
    }

    /// The rows of a table that may be missing.
    ///
    /// # Errors
    /// Those of [`Recorded::rows`] on a table that is there.
    pub(crate) fn optional_rows<R: Row>(&self, name: &str) -> Result<Option<Vec<Labelled<R>>>> {
        self.has(name).then(|| self.rows(name)).transpose()
    }

    /// Means and differences, all that figures of the scores show.
    ///
    /// # Errors
    /// Those of [`Recorded::rows`] on the two tables; names that are not of this version.
    pub(crate) fn scores(&self) -> Result<Summary> {
        let means = means_file(self.config()?.kind());
        Ok(Summary {
            means: self.converted(means, MeanRow::mean_score)?,
            differences: self.converted("differences.csv", DifferenceRow::difference)?,
            ..Summary::default()
        })
    }

    /// Means, differences and effective orders.
    ///
    /// # Errors
    /// Those of [`Recorded::rows`] on the three tables; names that are not of this version.
    pub(crate) fn summary(&self) -> Result<Summary> {
        let scores = self.scores()?;
        Ok(Summary {
            effective_orders: self
                .converted("effective_orders.csv", EffectiveOrdersRow::effective_orders)?,
            ..scores
        })
    }

    /// The times of the methods; none where they could not be measured.
    ///
    /// # Errors
    /// Those of [`Recorded::rows`]; a method that is not of this version.
    pub(crate) fn times(&self) -> Result<Vec<Time>> {
        const TIMES: &str = "timings.csv";
        if !self.has(TIMES) {
            return Ok(Vec::new());
        }
        self.converted(TIMES, |row: TimeRow, _| row.time())
    }

    /// The values of rows; the labels before them tell the case.
    ///
    /// # Errors
    /// A case that is not of the configuration.
    fn converted<R: Row, T>(
        &self,
        name: &str,
        convert: impl Fn(R, usize) -> Result<T>,
    ) -> Result<Vec<T>> {
        let config = self.config()?;
        let study = Study::new(&config)?;
        let rows = self.rows(name)?.into_iter().enumerate();
        rows.map(|(index, Labelled { labels, row })| {
            let is_it = |case: &Case| case.texts().eq(labels.iter().cloned());
            let unknown = || anyhow!("there is no case {} in {CONFIG}", labels.join(","));
            let case = study.cases.iter().position(is_it).ok_or_else(unknown);
            // The header is line 1.
            let place = || format!("{}, line {}", self.file(name).display(), index + 2);
            case.and_then(|case| convert(row, case)).with_context(place)
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(files: &[(&str, &str)], read: impl Fn(Recorded) -> Result<()>) -> String {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let recorded = Recorded::open(folder.path());
        format!("{:#}", recorded.and_then(read).unwrap_err())
    }

    #[test]
    fn what_is_still_to_be_written_is_not_looked_for_elsewhere() {
        let run = Recorded::from_files(&Config::default(), Vec::new()).unwrap();
        assert!(Path::new(MANIFEST).is_file() && !run.has(MANIFEST));
        assert!(run.bytes(MANIFEST).is_err() && run.audio(MANIFEST).is_err());
    }

    /// A file of the folder that tests run in.
    const MANIFEST: &str = "Cargo.toml";

    #[test]
    fn a_case_that_is_not_of_the_configuration_is_refused() {
        // As a program writes it that adds a column of its own.
        let table = ",method,snr_db,metric,mean_db,ci95_low_db,ci95_high_db,units,trials\n\
                     0,vb_fusion,0,sdr,1.0,,,1,1\n";
        let files = [("config.toml", ""), ("table1.csv", table)];
        let found = error(&files, |run| run.summary().map(drop));
        assert!(
            found.contains("table1.csv, line 2: there is no case 0"),
            "{found}"
        );
    }

    #[test]
    fn errors_name_the_file_and_the_line() {
        const HEADER: &str = "method,snr_db,metric,mean_db,ci95_low_db,ci95_high_db,units,trials\n";
        let summary = |run: Recorded| run.summary().map(drop);
        let table = |row: &str| format!("{HEADER}vb_fusion,0,sdr,1.0,,,1,1\n{row}\n");
        for (row, expected) in [
            (
                "vb_fuson,0,sdr,1,,,1,1",
                "line 3: `vb_fuson` is not a method",
            ),
            ("vb_fusion,x,sdr,1,,,1,1", "line 3: `x` is neither"),
            ("vb_fusion,0,snr,1,,,1,1", "line 3: `snr` is not a metric"),
            ("vb_fusion,0,sdr,nan,,,1,1", "line 3: a mean or an end"),
            ("vb_fusion,0,sdr,5e300,,,1,1", "dB, which no score is"),
            ("vb_fusion,0,sdr,one,,,1,1", "invalid float literal"),
            ("vb_fusion,0,sdr", "found record with 3 fields"),
        ] {
            let found = error(&[("config.toml", ""), ("table1.csv", &table(row))], summary);
            assert!(
                found.contains("table1.csv") && found.contains(expected),
                "{found}"
            );
        }
        let found = error(&[("config.toml", "")], summary);
        assert!(
            found.contains("cannot read") && found.contains("table1.csv"),
            "{found}"
        );
        let found = error(&[("config.toml", ""), ("table1.csv", "a,b\n")], summary);
        assert!(found.contains("the columns are a,b"), "{found}");
        let found = error(&[("config.toml", "[model]\niterations = 0")], |run| {
            run.config().map(drop)
        });
        assert!(
            found.contains("config.toml: `model.iterations`: 0"),
            "{found}"
        );
        let found = error(&[("config.toml", "a = ")], |_| Ok(()));
        assert!(found.contains("config.toml"), "{found}");
        let found = error(&[], |_| Ok(()));
        assert!(
            found.contains("does not hold the results of a run"),
            "{found}"
        );
    }
}
