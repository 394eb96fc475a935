//! The PDF of every figure, read by a program that shares nothing with this one: without a
//! complaint, at its size, with something on it. It takes pdftoppm of Debian's poppler-utils:
//! `cargo test -p experiments --test pdf -- --ignored`.

mod common;

use std::path::Path;
use std::process::Command;

use common::study::Study;
use common::{files, stderr};

/// The width and height of a page in points, and how many of its pixels at 72 dots per inch are
/// darker than the grid.
fn read_page(pdf: &Path) -> (u32, u32, usize) {
    let output = Command::new("pdftoppm")
        .args(["-png", "-singlefile", "-r", "72"])
        .arg(pdf)
        .output()
        .expect("pdftoppm of poppler-utils is not there");
    let said = String::from_utf8_lossy(&output.stderr);
    let is_read = output.status.success() && said.is_empty();
    assert!(is_read, "{}: {said}", pdf.display());
    let decoder = png::Decoder::new(std::io::Cursor::new(&output.stdout));
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    let pixels = bytes[..info.buffer_size()].chunks(3);
    let is_dark = |pixel: &&[u8]| pixel.iter().all(|&byte| byte < 200);
    (info.width, info.height, pixels.filter(is_dark).count())
}

#[test]
#[ignore = "takes pdftoppm of poppler-utils"]
fn every_pdf_is_read_by_another_program() {
    let (posteriors, energy) = (
        ["order_posterior", "order_posterior_structured"],
        "free_energy",
    );
    let grid =
        "sweep.axis=[{key='model.iterations',values=[1,2]},{key='model.kappa',values=[0,1]}]";
    let studies: [(Study, &[&str], Vec<&str>); 4] = [
        (
            Study::table1(),
            &[],
            [&["fig1", energy], &posteriors[..]].concat(),
        ),
        (
            Study::realmix(),
            &[],
            [&["realmix", energy], &posteriors[..]].concat(),
        ),
        (Study::sweep(), &[], vec!["sweep"]),
        (
            Study::sweep(),
            &["--set", "sweep.seeds=[7]", "--set", grid],
            vec!["sweep_1", "sweep_2"],
        ),
    ];
    for (study, options, mut expected) in studies {
        study.succeed(&[&["--out", "out"], options].concat());
        expected.sort_unstable();
        // Points per pixel of a figure, and pixels of its PNG per pixel of the figure.
        for (style, points, scale) in [("screen", 0.75, 2.0), ("paper", 0.62, 5.0)] {
            let style = format!("figures.style={style}");
            let drawn = study.experiments(&["figures", "out", "--set", &style]);
            assert!(drawn.status.success(), "{}", stderr(&drawn));
            let files = files(&study.path("out"));
            let names: Vec<&str> = files
                .keys()
                .filter_map(|name| name.strip_suffix(".pdf"))
                .collect();
            assert_eq!(names, expected);
            for name in names {
                let (width, height, dark) =
                    read_page(&study.path("out").join(format!("{name}.pdf")));
                // The size of a PNG stands behind its first 16 bytes.
                let png = &files[&format!("{name}.png")];
                let size = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
                for (found, pixels) in [(width, size(16)), (height, size(20))] {
                    let expected = f64::from(pixels) / scale * points;
                    let is_near = (f64::from(found) - expected).abs() <= 1.0;
                    assert!(is_near, "{name}: {found} points");
                }
                assert!(dark > 100, "{name}: {dark} dark pixels");
            }
        }
    }
}
