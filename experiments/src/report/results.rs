//! The page of one run.

use maud::{Markup, html};

use super::inputs::Inputs;
use super::listening::{Example, Signal};
use super::page::{self, Section};
use crate::claims::Verdict;
use crate::config::CorpusKind;
use crate::figures::PanelEdges;
use crate::metric::Metric;
use crate::paper;
use crate::presentation::{self, Subject};
use crate::table::Table;

pub(super) fn page(inputs: &Inputs) -> Markup {
    let config = &inputs.config;
    let corpus = inputs.manifest_text("/corpus").unwrap_or_default();
    let count = |verdict| {
        let of = |claim: &&crate::claims::Claim| claim.verdict == verdict;
        inputs.claims.iter().filter(of).count()
    };
    let lead = html! {
        p.lead {
            "Single-channel speech separation by variational Bayesian NMF: does averaging over the number of components \
             beat choosing one? Corpus: " (corpus) "; seed " (config.experiment.seed) "; "
            (config.mixtures.snr_db.len() * config.training.orders.len()) " mixtures."
        }
        p.lead {
            "Of " (inputs.claims.len()) " claims of the paper this run bears out " strong { (count(Verdict::Held)) }
            ", contradicts " strong { (count(Verdict::NotHeld)) } " and leaves "
            strong { (count(Verdict::Undecided)) } " undecided."
        }
        @if config.corpus.kind == CorpusKind::Builtin {
            p.note { "The built-in corpus is synthesised, a stand-in for recordings: numbers need not be the paper's." }
        }
    };
    let mut sections: Vec<Section> = vec![
        ("claims", "The paper's claims", claims(inputs)),
        ("table1", "Table 1", scores(inputs, &corpus)),
        ("listen", "Listen", listening(&inputs.examples)),
        ("figures", "Figures", figures(inputs)),
        ("orders", "Orders", orders(inputs)),
        ("times", "Times", times(inputs)),
        ("run", "What was run", provenance(inputs)),
    ];
    sections.retain(|(id, _, _)| *id != "listen" || !inputs.examples.is_empty());
    page::page(
        &format!("Results: {}", config.experiment.name),
        &lead,
        &sections,
    )
}

fn claims(inputs: &Inputs) -> Markup {
    html! {
        p {
            "Held: the whole 95 % interval is on the claim's side. Not held: the whole interval is on the other. \
             Undecided: the interval holds both. Intervals are over the true orders of this one draw of speaker and \
             dictionaries; another seed may decide otherwise."
        }
        div.scroll tabindex="0" role="region" aria-label="The paper's claims and this run's numbers" {
            table.claims {
                caption { "What the paper says and what this run found, on the average over all SNRs" }
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
                            td { span class={ "verdict " (class(claim.verdict)) } { (claim.verdict) } }
                            td { (claim.found) }
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

fn scores(inputs: &Inputs, corpus: &str) -> Markup {
    let config = &inputs.config;
    let orders = config.training.orders.len();
    let caption = presentation::caption(&Subject {
        experiment: &config.experiment.name,
        corpus,
        seed: config.experiment.seed,
        observations: orders * config.mixtures.snr_db.len(),
        orders,
    });
    let others = config.evaluation.metrics.iter();
    let others = others.filter(|&&metric| metric != Metric::Sdr);
    html! {
        (page::table(&presentation::score_table(&inputs.summary, Metric::Sdr), &caption, "scores"))
        @for &metric in others {
            details {
                summary { (presentation::title(metric)) }
                (page::table(
                    &presentation::score_table(&inputs.summary, metric),
                    &format!("{} in dB", presentation::title(metric)),
                    "other",
                ))
            }
        }
        details {
            summary { "Paired differences by SNR" }
            (page::table(
                &presentation::difference_table(&inputs.summary),
                "Differences of the SDR (BSS Eval) on the same observations, in dB: mean and 95 % interval, p-value of \
                 a sign-flip test over the true orders, Cohen's d of pairs",
                "differences",
            ))
        }
    }
}

fn figures(inputs: &Inputs) -> Markup {
    html! {
        (page::figure(
            &inputs.fig1,
            "Line chart: SDR of the four methods against the SNR, with intervals. Its numbers are those of Table 1.",
            "Fig. 1: SDR of each method against the signal-to-noise ratio, with 95 % intervals.",
        ))
        @if inputs.examples.is_empty() && inputs.config.report.examples > 0 {
            p.note { "There is nothing to listen to: the audio of this run is not in its folder." }
        }
        @if let Some(free_energy) = &inputs.free_energy {
            (page::figure(
                free_energy,
                "Line chart: the free energy of each single order and of the fusion, rising over the iterations.",
                "Free energy of one observation's separations. The fusion's is tempered: it holds beta times the \
                 entropy of q(K), so its height does not compare with the single orders'.",
            ))
        }
        @if let Some(spectrograms) = &inputs.spectrograms {
            (page::figure(
                spectrograms,
                "Six spectrograms: mixture, true speaker, and the estimates of the four methods.",
                "Spectrograms of the same observation on one scale.",
            ))
        }
    }
}

fn orders(inputs: &Inputs) -> Markup {
    html! {
        (page::figure(
            &inputs.order_posterior,
            "Heat maps, one per SNR: the posterior weight of each order for each true order.",
            "Posterior over the order in each fusion. A row is one observation.",
        ))
        (page::table(
            &presentation::effective_orders_table(&inputs.summary),
            "How many orders a fusion mixes: exp(entropy of q(K)), averaged over the observations",
            "other",
        ))
    }
}

fn times(inputs: &Inputs) -> Markup {
    if inputs.times.is_empty() {
        return html! { p { "There are no times: they could not be measured, or the run was merged from shards." } };
    }
    let mut table = Table::new(["Method", "Median (ms)", "Fastest (ms)", "Paper (ms)"]);
    for time in &inputs.times {
        let paper = paper::row(time.method);
        table.push([
            time.method.label().to_owned(),
            format!("{:.1}", 1e3 * time.seconds),
            format!("{:.1}", 1e3 * time.fastest_seconds),
            paper.map_or_else(String::new, |row| format!("{:.1}", row.milliseconds)),
        ]);
    }
    let time = inputs.times[0];
    html! {
        (page::table(
            &table,
            &format!(
                "Time of one observation, each method alone: median and fastest of {} repetitions on {} thread(s)",
                time.repetitions, time.threads
            ),
            "other",
        ))
        p {
            "Selection, oracle and mean all need one separation per order. The paper's machine is of 2014: compare the \
             ratio."
        }
    }
}

fn provenance(inputs: &Inputs) -> Markup {
    let text = |pointer| inputs.manifest_text(pointer);
    let commit = text("/checkout_at_run/commit").map(|commit| {
        match inputs.manifest.pointer("/checkout_at_run/dirty") {
            Some(serde_json::Value::Bool(true)) => format!("{commit}, with changes"),
            _ => commit,
        }
    });
    let seconds = inputs.manifest_number("/wall_seconds");
    let memory = inputs.manifest_number("/peak_memory_bytes");
    let facts = [
        ("Corpus", text("/corpus")),
        ("Corpus, SHA-256", text("/corpus_sha256")),
        ("Seed", text("/seed")),
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
            "Method: X. Jaureguiberry, E. Vincent, G. Richard, \u{201c}Variational Bayesian model averaging for audio \
             source separation\u{201d}, IEEE Workshop on Statistical Signal Processing (SSP), 2014."
        }
    }
}

fn listening(examples: &[Example]) -> Markup {
    html! {
        p {
            "Mixtures are drawn from the generative model, as in the paper, so the speaker sounds like noise shaped by \
             speech. All signals of an observation have the same gain. Switch while it plays: the position is kept."
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
    let heading = format!(
        "SNR {} dB, true order {}",
        presentation::signed(example.snr_db),
        example.true_order
    );
    html! {
        article.example data-player data-seconds=(example.seconds) data-left=(left) data-right=(right) data-top=(top) data-bottom=(bottom)
            aria-labelledby={ "example-" (index) } {
            h3 id={ "example-" (index) } { (heading) }
            fieldset.signals {
                legend { "Signal" }
                @for (number, signal) in example.signals.iter().enumerate() {
                    label {
                        input type="radio" name={ "signal-" (index) } value=(number) checked[number == 0];
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
                    (signal_figure(number, signal, &heading))
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
                    ", SDR " (presentation::signed((10.0 * sdr_db).round() / 10.0)) " dB"
                }
                audio controls preload="none" src=(signal.audio) aria-label={ (signal.label) ", " (heading) } {}
            }
        }
    }
}
