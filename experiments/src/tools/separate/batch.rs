//! Many recordings: which are left to do, and all of them in parallel.

use std::path::PathBuf;

use anyhow::Result;
use rayon::ThreadPool;

use super::describe::describe_inputs;
use super::driver::separate_recording;
use super::report::SeparationReport;
use super::settings::SeparationSettings;
use super::sources::SourceSet;
use super::stem_folder::StemFolder;
use crate::interrupt::{self, Interrupted};
use crate::progress::Progress;
use crate::store::output::Outputs;
use crate::store::refused::join_errors;
use crate::tools::recordings::NamedRecording;
use crate::tools::work_queue::work_through;

/// What all recordings of a command are separated with.
#[derive(Debug)]
pub(crate) struct Separation<'a> {
    pub(crate) sources: &'a SourceSet,
    pub(crate) settings: &'a SeparationSettings,
}

/// A recording with the folder that its stems go to.
#[derive(Debug)]
pub(crate) struct SeparationTask {
    pub(crate) recording: NamedRecording,
    pub(crate) folder: StemFolder,
}

/// The recordings of a command.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) tasks: Vec<SeparationTask>,
    /// Folders that hold all that the separation would write.
    pub(crate) complete: Vec<PathBuf>,
}

/// What came of a batch.
#[derive(Debug, Default)]
pub(crate) struct BatchOutcome {
    pub(crate) reports: Vec<SeparationReport>,
    pub(crate) errors: Vec<anyhow::Error>,
}

impl Batch {
    /// Claims a folder for the stems of each recording, and leaves out those that are complete.
    ///
    /// `choose_folder` gives the folder of a recording, `option` is what it was given by.
    ///
    /// # Errors
    /// All folders that must not or cannot be written.
    pub(crate) fn claim(
        recordings: Vec<NamedRecording>,
        separation: &Separation<'_>,
        choose_folder: impl Fn(&NamedRecording) -> PathBuf,
        replace: bool,
        option: &str,
        outputs: &mut Outputs,
    ) -> Result<Self> {
        let mut batch = Self::default();
        let mut errors = Vec::new();
        let names = separation.sources.names();
        let is_one = recordings.len() == 1;
        for recording in recordings {
            let path = choose_folder(&recording);
            let option = match is_one {
                true => option.to_owned(),
                false => format!("{option}, for {}", recording.path.display()),
            };
            let file = recording.file();
            let claimed = StemFolder::claim(&path, &names, file, replace, &option, outputs);
            let claimed = claimed.and_then(|folder| {
                let is_complete = separation.is_complete(&folder, &recording)?;
                Ok((is_complete, folder))
            });
            match claimed {
                Ok((true, folder)) => batch.complete.push(folder.path),
                Ok((false, folder)) => batch.tasks.push(SeparationTask { recording, folder }),
                Err(error) => errors.push(error),
            }
        }
        join_errors(errors)?;
        Ok(batch)
    }

    /// Separates all that is left to do: as many recordings at a time as there are threads.
    ///
    /// A recording that fails does not keep the others from being separated.
    ///
    /// # Errors
    /// [`Interrupted`]; what was finished before is complete.
    pub(crate) fn run(
        &self,
        separation: &Separation<'_>,
        pool: &ThreadPool,
        progress: Progress,
    ) -> Result<BatchOutcome> {
        let stage = (self.tasks.len() > 1)
            .then(|| progress.stage("separating recordings", self.tasks.len()));
        // Segments are steps where there is one recording.
        let inner = match stage {
            Some(_) => Progress::new(true),
            None => progress,
        };
        let results = work_through(pool, &self.tasks, |task| {
            let result = separation.run(task, inner);
            if let Some(stage) = &stage {
                let is_interruption = |error: &anyhow::Error| error.is::<Interrupted>();
                match &result {
                    Ok(_) => stage.step(),
                    Err(error) if is_interruption(error) => {}
                    Err(error) => progress.warn(format_args!("failed: {error:#}")),
                }
            }
            result
        });
        if let Some(stage) = stage {
            stage.finish();
        }
        let mut outcome = BatchOutcome::default();
        for result in results {
            match result {
                Ok(report) => outcome.reports.push(report),
                Err(error) if error.is::<Interrupted>() => return Err(error),
                Err(error) => outcome.errors.push(error),
            }
        }
        Ok(outcome)
    }
}

impl Separation<'_> {
    fn is_complete(&self, folder: &StemFolder, recording: &NamedRecording) -> Result<bool> {
        if !folder.has_all_stems() {
            return Ok(false);
        }
        let sha256 = folder.digest_recording(recording.file())?;
        let inputs = describe_inputs(recording, sha256, self.sources, self.settings)?;
        Ok(folder.is_complete(inputs.digest()?))
    }

    fn run(&self, task: &SeparationTask, progress: Progress) -> Result<SeparationReport> {
        interrupt::check()?;
        let recording = &task.recording;
        let sha256 = task.folder.digest_recording(recording.file())?;
        let inputs = describe_inputs(recording, sha256, self.sources, self.settings)?;
        let pending = task.folder.begin()?;
        let mut report = separate_recording(
            recording,
            &inputs,
            self.sources,
            self.settings,
            &pending.path,
            progress,
        )?;
        task.folder.publish(&pending, &mut report)?;
        Ok(report)
    }
}
