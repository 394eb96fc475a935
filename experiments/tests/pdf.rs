//! The PDF of a figure, read by a program that shares nothing with this one: it is to show what the
//! PNG shows. It takes pdftoppm of Debian's poppler-utils:
//! `cargo test -p experiments --test pdf -- --ignored`.

mod common;

use std::path::Path;
use std::process::Command;

use common::files;
use common::study::Study;

/// Side of the squares that are compared, in pixels: letters are a pixel or two apart, as one of
/// the two pictures has its letters on whole pixels.
const SQUARE: usize = 12;
/// Largest difference of the mean grey of a square, of 255.
const MOST_DIFFERENT: f64 = 60.0;
/// Largest mean of these differences.
const MOST_ON_AVERAGE: f64 = 1.5;

/// A picture in grey, row by row.
struct Picture {
    width: usize,
    height: usize,
    grey: Vec<f64>,
}

impl Picture {
    fn from_png(png: &[u8]) -> Self {
        let mut reader = png::Decoder::new(std::io::Cursor::new(png))
            .read_info()
            .unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!(info.color_type, png::ColorType::Rgb);
        let grey = |pixel: &[u8]| pixel.iter().map(|&byte| f64::from(byte)).sum::<f64>() / 3.0;
        Self {
            width: info.width as usize,
            height: info.height as usize,
            grey: bytes[..info.buffer_size()].chunks(3).map(grey).collect(),
        }
    }

    /// The mean grey of every whole square.
    fn squares(&self) -> Vec<f64> {
        let mean = |top: usize, left: usize| {
            let rows = top..top + SQUARE;
            let row = |y: usize| &self.grey[y * self.width + left..][..SQUARE];
            rows.flat_map(row).sum::<f64>() / (SQUARE * SQUARE) as f64
        };
        let tops = (0..self.height / SQUARE).map(|row| row * SQUARE);
        tops.flat_map(|top| (0..self.width / SQUARE).map(move |column| (top, column * SQUARE)))
            .map(|(top, left)| mean(top, left))
            .collect()
    }
}

/// A page of a PDF as a picture of a width and height.
fn rendered(pdf: &Path, (width, height): (usize, usize)) -> Picture {
    let output = Command::new("pdftoppm")
        .args(["-png", "-singlefile"])
        .args(["-scale-to-x", &width.to_string()])
        .args(["-scale-to-y", &height.to_string()])
        .arg(pdf)
        .output()
        .expect("pdftoppm of poppler-utils is not there");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.is_empty(),
        "{}: {said}",
        pdf.display()
    );
    Picture::from_png(&output.stdout)
}

#[test]
#[ignore = "takes pdftoppm of poppler-utils"]
fn every_pdf_shows_what_its_png_shows() {
    for style in ["screen", "paper"] {
        for study in [Study::table1(), Study::realmix(), Study::sweep()] {
            let style = format!("figures.style={style}");
            study.succeed(&["--set", &style, "--out", "out"]);
            let mut compared = 0;
            for (name, png) in files(&study.path("out")) {
                let Some(name) = name.strip_suffix(".png") else {
                    continue;
                };
                let pdf = study.path("out").join(format!("{name}.pdf"));
                if !pdf.exists() {
                    assert_eq!(name, "spectrograms");
                    continue;
                }
                let png = Picture::from_png(&png);
                let page = rendered(&pdf, (png.width, png.height));
                assert_eq!((page.width, page.height), (png.width, png.height));
                let pairs = png.squares().into_iter().zip(page.squares());
                let differences: Vec<f64> = pairs.map(|(a, b)| (a - b).abs()).collect();
                let most = differences.iter().copied().fold(0.0, f64::max);
                let mean = differences.iter().sum::<f64>() / differences.len() as f64;
                println!("{style}, {name}: {most:.1} at most, {mean:.2} on average");
                assert!(most <= MOST_DIFFERENT, "{name}, {style}: {most}");
                assert!(mean <= MOST_ON_AVERAGE, "{name}, {style}: {mean}");
                compared += 1;
            }
            assert!(compared > 0);
        }
    }
}
