//! What all pages share: the frame, tables, figures.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::drawings::Drawing;
use crate::tables::table::Table;
use crate::tools::file_kinds::MADE_WITH;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// Nothing may be loaded, whatever a file of the results holds.
const POLICY: &str = "default-src 'none'; img-src data:; media-src data:; style-src \
    'unsafe-inline'; script-src 'unsafe-inline'";

/// A section: its anchor, its heading, what is in it.
pub(super) type Section = (&'static str, &'static str, Markup);

/// The whole page. `lead` stands below the title.
pub(super) fn page(title: &str, lead: &Markup, sections: &[Section]) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                // What this program knows its pages by.
                meta name="generator" content=(MADE_WITH);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the results" }
                header {
                    h1 { (title) }
                    (lead)
                    nav aria-label="Sections" {
                        ul {
                            @for (id, heading, _) in sections {
                                li { a href={ "#" (id) } { (heading) } }
                            }
                        }
                    }
                }
                main #main {
                    @for (id, heading, content) in sections {
                        section aria-labelledby=(id) {
                            h2 id=(id) { (heading) }
                            (content)
                        }
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// A table, the first column its row headers. Wide ones scroll by themselves.
pub(super) fn table(table: &Table, caption: &str, class: &str) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table class=(class) {
                caption { (caption) }
                thead {
                    tr {
                        @for column in table.columns() {
                            th scope="col" { (column.trim_matches('`')) }
                        }
                    }
                }
                @for group in table.groups() {
                    tbody {
                        @for row in group {
                            tr {
                                @for (index, entry) in row.iter().enumerate() {
                                    @if index == 0 {
                                        th scope="row" { (entry.text()) }
                                    } @else if entry.is_bold() {
                                        td { strong { (number(entry.text())) } }
                                    } @else {
                                        td { (number(entry.text())) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A number, its interval below it.
pub(super) fn number(text: &str) -> Markup {
    match text.split_once(" [") {
        Some((value, interval)) => html! { (value) " " span.interval { "[" (interval) } },
        None => html! { (text) },
    }
}

/// Screens narrower than this have figures of their own.
const NARROW: &str = "(max-width: 40rem)";

/// How a figure looks where the page is dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Lines on white: the page turns light and dark around and keeps the hues.
    Chart,
    /// Dark by itself, as it is.
    Picture,
}

/// A figure with its caption; `alt` says what is to be seen.
pub(super) fn figure(drawing: &Drawing, kind: Kind, alt: &str, caption: &str) -> Markup {
    let class = match kind {
        Kind::Chart => "chart",
        Kind::Picture => "picture",
    };
    html! {
        figure class=(class) {
            picture {
                source media=(NARROW) srcset=(drawing.narrow);
                img src=(drawing.wide) alt=(alt);
            }
            figcaption { (caption) }
        }
    }
}
