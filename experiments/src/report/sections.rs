//! The sections of the page, those that a study has.

use maud::{Markup, html};

use super::inputs::Inputs;
use super::listening::{Example, Signal};
use super::page::{self, Kind as Look, Section};
use super::verdicts::{highest, verdicts};
use crate::config::Kind;
use crate::figures::PanelEdges;
use crate::study::design::Study;
use crate::study::methods::Part;
use crate::study::scores::Metric;
use crate::study::statistics::Column;
use crate::tables::caption::Caption;
use crate::tables::claims::{Claim, Verdict};
use crate::tables::format::Format;
use crate::tables::scores::{of_all_cases, of_case};
use crate::tables::{differences, times as time_tables};

const FORMAT: Format = Format::Markdown;

pub(super) fn page(inputs: &Inputs, study: &Study<'_>) -> Markup {
    let config = &inputs.config;
    let corpus = inputs.manifest_text("/corpus").unwrap_or_default();
    let about = &Caption {
        study,
        corpus: &corpus,
    };
    let count = |verdict| {
        let of_verdict = |claim: &&Claim| claim.verdict == verdict;
        inputs.claims.iter().filter(of_verdict).count()
    };
    let lead = html! {
        p.lead {
            "Single-channel speech separation by variational Bayesian NMF: does averaging over the \
             number of components beat choosing one? Corpus: " (corpus) "; " (about.seeds()) "; "
            (mixtures(inputs, study))
        }
        @if !inputs.claims.is_empty() {
            p.lead {
                "Of " (inputs.claims.len()) " claims of the paper this run bears out "
                strong { (count(Verdict::Held)) } ", contradicts "
                strong { (count(Verdict::NotHeld)) }
                " and leaves " strong { (count(Verdict::Undecided)) } " undecided."
            }
        }
        @if let (Kind::Sweep, Some(highest)) = (config.kind(), highest(&inputs.summary, about)) {
            p.lead { (highest) }
        }
        @if config.corpus.kind.is_synthesised() {
            p.note {
                "The built-in corpus is synthesised, a stand-in for recordings: numbers need not \
                 be the paper's."
            }
        }
    };
    let is_sweep = config.kind() == Kind::Sweep;
    let mut sections: Vec<Section> = Vec::new();
    if !is_sweep {
        sections.push(("claims", "The paper's claims", claims(inputs, about)));
        sections.push(("table1", "Scores", scores(inputs, about)));
    }
    if is_sweep {
        let found = verdicts(&inputs.summary, about);
        sections.push(("found", "What the sweep found", found));
    }
    if !inputs.examples.is_empty() {
        sections.push(("listen", "Listen", listening(&inputs.examples, study)));
    }
    sections.push(("figures", "Figures", figures(inputs, about)));
    if is_sweep {
        sections.push(("cases", "Cases", cases(inputs, about)));
    } else {
        sections.push(("orders", "Orders", orders(inputs, about)));
        sections.push(("times", "Times", times(inputs)));
    }
    sections.push(("run", "What was run", provenance(inputs)));
    let title = format!("Results: {}", config.experiment.name);
    page::page(&title, &lead, &sections)
}

/// Trials of a case: those that the averages were taken over, or would have been.
fn trials(inputs: &Inputs) -> usize {
    let means = inputs.summary.means.iter();
    means.map(|it| it.mean.trials).max().unwrap_or_default()
}

/// How many mixtures there are of which kind, and how often.
fn mixtures(inputs: &Inputs, study: &Study<'_>) -> String {
    let source = match study.has_recordings() {
        true => "of recordings",
        false => "drawn from the model",
    };
    let cases = match (&study.axis_keys()[..], study.cases.len()) {
        ([], _) => String::new(),
        ([key], count) => format!(" for each of {count} values of {key}"),
        (_, count) => format!(" for each of {count} cases"),
    };
    format!("{} mixtures {source}{cases}.", trials(inputs))
}

fn claims(inputs: &Inputs, about: &Caption<'_>) -> Markup {
    html! {
        p {
            "Held: the whole 95 % interval is on the claim's side, and the test has p of at most \
             0.05. Not held: the same on the other side. Undecided: neither. Where the limit is \
             not 0, the test is of no use, and there must be units enough for such a p. In \
             brackets: "
            (about.intervals()) "."
        }
        div.scroll tabindex="0" role="region" aria-label="The paper's claims and this run's \
            numbers" {
            table.claims {
                caption { "What the paper says and what this run found, on the average over all \
                    SNRs" }
                thead {
                    tr {
                        th scope="col" { "Claim" }
                        th scope="col" { "Verdict" }
                        th scope="col" { "This run" }
                        th scope="col" { "Paper" }
                    }
                }
                tbody {
                    @for claim in &inputs.claims {
                        tr {
                            th scope="row" { (claim.statement) }
                            td {
                                span class={ "verdict " (class(claim.verdict)) } { (claim.verdict) }
                            }
                            td { (page::number(&claim.found)) }
                            td { (claim.paper) }
                        }
                    }
                }
            }
        }
    }
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held",
        Verdict::NotHeld => "not-held",
        Verdict::Undecided => "undecided",
    }
}

fn scores(inputs: &Inputs, about: &Caption<'_>) -> Markup {
    let summary = &inputs.summary;
    let metrics = &inputs.config.evaluation.metrics;
    let others = metrics.iter().filter(|&&metric| metric != Metric::Sdr);
    let table = |metric| of_case(summary, about, 0, metric, FORMAT, None);
    let (_, units) = about.study.unit.names();
    let columns = summary.columns(0);
    // The paper's rows stand below a run's own.
    let class = match about.is_the_papers(Metric::Sdr) {
        true => "scores",
        false => "other",
    };
    html! {
        (page::table(&table(Metric::Sdr), &about.text(trials(inputs)), class))
        @for &metric in others {
            details {
                summary { (metric.title()) }
                (page::table(&table(metric), &format!("{} in dB", metric.title()), "other"))
            }
        }
        details {
            summary { "Paired differences by SNR" }
            (page::table(
                &differences::table(summary, about, Metric::Sdr, FORMAT, &columns),
                &format!(
                    "Differences of the SDR (BSS Eval) on the same mixtures, in dB: mean and 95 % \
                     interval, p-value of a sign-flip test over the {units}, Cohen's d of the \
                     differences, and n, the number of {units}"
                ),
                "differences",
            ))
        }
    }
}

/// The cases of a sweep, all in one table, then each with its columns.
fn cases(inputs: &Inputs, about: &Caption<'_>) -> Markup {
    let summary = &inputs.summary;
    let averages = [Column::Average];
    let (_, units) = about.study.unit.names();
    let mut weighing = about.study.weighing_methods();
    let orders = match weighing.any(|method| matches!(method.part(), Part::Fusion(_))) {
        true => ", and how many orders the fusions mix: exp(entropy of q(K))",
        false => "",
    };
    html! {
        (page::table(
            &of_all_cases(summary, about, FORMAT),
            &format!(
                "SDR (BSS Eval) averaged over the SNRs, in dB{orders}. In brackets: {}",
                about.intervals()
            ),
            "other",
        ))
        details {
            summary { "All paired differences" }
            (page::table(
                &differences::table(summary, about, Metric::Sdr, FORMAT, &averages),
                &format!(
                    "Differences of the SDR on the same mixtures, averaged over the SNRs, in dB: \
                     mean and 95 % interval, p-value of a sign-flip test over the {units}, Cohen's \
                     d of the differences, and n, the number of {units}"
                ),
                "differences",
            ))
        }
        @for (index, case) in about.study.cases.iter().enumerate() {
            details {
                summary { (case.name()) }
                @for &metric in &inputs.config.evaluation.metrics {
                    (page::table(
                        &of_case(summary, about, index, metric, FORMAT, None),
                        &format!("{} in dB, {}", metric.title(), case.name()),
                        "other",
                    ))
                }
            }
        }
    }
}

fn figures(inputs: &Inputs, about: &Caption<'_>) -> Markup {
    let (_, units) = about.study.unit.names();
    let caption = match inputs.config.kind() {
        Kind::Table1 => format!(
            "Fig. 1: SDR of each method against the signal-to-noise ratio, and what it gains over \
             VB selection on the same mixtures, with 95 % intervals over {units}."
        ),
        Kind::Realmix => format!(
            "SDR of each method against the signal-to-noise ratio, and what it gains over VB \
             selection on the same mixtures, with 95 % intervals over {units}."
        ),
        Kind::Sweep => format!(
            "SDR of each method over the swept values, and what it gains over VB selection on the \
             same mixtures, with 95 % intervals over {units} where there are enough of them."
        ),
    };
    // Regions of a page have different names.
    let several = inputs.drawings.scores.len();
    let numbered = |index: usize| match several {
        1 => caption.clone(),
        _ => format!("Figure {} of {several}. {caption}", index + 1),
    };
    html! {
        @for (index, figure) in inputs.drawings.scores.iter().enumerate() {
            (page::figure(
                figure,
                Look::Chart,
                "Line chart: SDR of the methods, with intervals. Its numbers are those of the \
                 tables.",
                &numbered(index),
            ))
        }
        @if inputs.examples.is_empty() && inputs.drawings.free_energy.is_some() {
            p.note { "There is nothing to listen to: the audio of this run is not in its folder." }
        }
        @if let Some(free_energy) = &inputs.drawings.free_energy {
            (page::figure(
                free_energy,
                Look::Chart,
                "Line chart: the free energy of each single order and of the fusions, rising over \
                 the iterations.",
                "Free energy of the separations of one mixture. The fusions' are tempered: they \
                 hold beta times the entropy of q(K), so their height does not compare with the \
                 single orders'.",
            ))
        }
        @if let Some(spectrograms) = &inputs.drawings.spectrograms {
            (page::figure(
                spectrograms,
                Look::Picture,
                "Spectrograms: the mixture, what it is made of, and the estimates of the methods.",
                "Spectrograms of the same mixture on one scale.",
            ))
        }
    }
}

fn orders(inputs: &Inputs, about: &Caption<'_>) -> Markup {
    let (unit, _) = about.study.unit.names();
    let posterior_rows = match about.study.has_recordings() {
        true => format!("A row for each {unit}, the mean over its mixtures."),
        false => "A row for each true order, whose own cell is outlined.".to_owned(),
    };
    html! {
        @for (method, order_posterior) in &inputs.drawings.order_posteriors {
            (page::figure(
                order_posterior,
                Look::Chart,
                "Heat maps, one per SNR: the posterior weight of each order, row by row.",
                &format!(
                    "Posterior over the order: {}. {posterior_rows}",
                    method.inline_label()
                ),
            ))
        }
        (page::table(
            &differences::effective_orders(&inputs.summary, about, 0),
            "How many orders are mixed: exp(entropy of q(K) or of the weights of a mean), averaged \
             over the mixtures",
            "other",
        ))
    }
}

fn times(inputs: &Inputs) -> Markup {
    let Some(time) = inputs.times.first() else {
        return html! {
            p { "There are no times: they could not be measured, or the run was merged from \
                shards." }
        };
    };
    html! {
        (page::table(
            &time_tables::table(&inputs.times),
            &format!(
                "Time of one mixture, each method alone: median and fastest of {} repetitions on \
                 {} {}",
                time.repetitions,
                time.threads,
                if time.threads == 1 { "thread" } else { "threads" }
            ),
            "other",
        ))
        p {
            "Selection, oracle and mean all need one separation per order. The paper's machine is \
             of 2014: compare the ratio."
        }
    }
}

fn provenance(inputs: &Inputs) -> Markup {
    let text = |pointer| inputs.manifest_text(pointer);
    let is_dirty = inputs.manifest_flag("/checkout_at_run/dirty");
    let commit = text("/checkout_at_run/commit").map(|commit| match is_dirty {
        true => format!("{commit}, with changes"),
        false => commit,
    });
    let seconds = inputs.manifest_number("/wall_seconds");
    let memory = inputs.manifest_number("/peak_memory_bytes");
    let facts = [
        ("Corpus", text("/corpus")),
        ("Corpus, SHA-256", text("/corpus_sha256")),
        ("Seeds", inputs.seeds()),
        (
            "Files left out",
            inputs.left_out().map(|count| count.to_string()),
        ),
        ("Version", text("/version")),
        ("Commit", commit),
        ("Compiler", text("/rustc")),
        ("Processor", text("/cpu")),
        ("Threads", text("/threads")),
        ("Duration", seconds.map(|seconds| format!("{seconds:.0} s"))),
        (
            "Peak memory",
            memory.map(|bytes| format!("{:.0} MB", bytes / 1e6)),
        ),
    ];
    html! {
        dl {
            @for (name, value) in facts {
                @if let Some(value) = value {
                    div { dt { (name) } dd { (value) } }
                }
            }
        }
        details {
            summary { "Configuration" }
            pre tabindex="0" { code { (inputs.config_text) } }
        }
        p {
            "Method: X. Jaureguiberry, E. Vincent, G. Richard, \u{201c}Variational Bayesian model \
             averaging for audio source separation\u{201d}, IEEE Workshop on Statistical Signal \
             Processing (SSP), 2014."
        }
    }
}

fn listening(examples: &[Example], study: &Study<'_>) -> Markup {
    html! {
        p {
            @if !study.has_recordings() {
                "Mixtures are drawn from the generative model, as in the paper, so the speaker \
                 sounds like noise shaped by speech. "
            }
            "All signals of a mixture have the same gain. Switch while it plays: the position is \
             kept."
        }
        @for (index, example) in examples.iter().enumerate() {
            (player(index, example))
        }
    }
}

/// Plays by the browser's own controls until the script takes over.
fn player(index: usize, example: &Example) -> Markup {
    let PanelEdges {
        left,
        right,
        top,
        bottom,
    } = example.edges;
    let heading = &example.name;
    html! {
        article.example data-player data-seconds=(example.seconds) data-left=(left)
            data-right=(right) data-top=(top) data-bottom=(bottom)
            aria-labelledby={ "example-" (index) } {
            h3 id={ "example-" (index) } { (heading) }
            fieldset.signals {
                legend { "Signal" }
                @for (number, signal) in example.signals.iter().enumerate() {
                    label {
                        input type="radio" name={ "signal-" (index) } value=(number)
                            checked[number == 0];
                        span { (signal.label) }
                    }
                }
            }
            div.controls {
                button type="button" data-play { "Play" }
                input type="range" data-seek min="0" max=(example.seconds) step="0.01" value="0"
                    aria-label={ "Position in " (heading) };
                span.time data-time { "0.0 s" }
            }
            p.status role="status" data-status {}
            div.pictures {
                @for (number, signal) in example.signals.iter().enumerate() {
                    (signal_figure(number, signal, heading))
                }
                div.playhead data-playhead aria-hidden="true" {}
            }
        }
    }
}

fn signal_figure(number: usize, signal: &Signal, heading: &str) -> Markup {
    let (width, height) = signal.size;
    html! {
        figure data-signal=(number) {
            img src=(signal.spectrogram) width=(width) height=(height)
                alt={ "Spectrogram: " (signal.label) ", " (heading) };
            figcaption {
                strong { (signal.label) }
                @if let Some(order) = signal.order { ", order " (order) }
                @if let Some(sdr_db) = signal.sdr_db {
                    ", SDR " (FORMAT.signed((10.0 * sdr_db).round() / 10.0 + 0.0)) " dB"
                }
                audio controls preload="none" src=(signal.audio)
                    aria-label={ (signal.label) ", " (heading) } {}
            }
        }
    }
}
