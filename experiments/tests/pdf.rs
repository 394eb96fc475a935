//! The PDF of every figure, read by a program that shares nothing with this one: without a
//! complaint, at its size, with something on it. It takes pdftoppm of Debian's poppler-utils:
//! `cargo test -p experiments --test pdf -- --ignored`.

mod common;

use std::path::Path;
use std::process::Command;

use common::files;
use common::study::Study;

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
    // Points per pixel of a figure, and pixels of its PNG per pixel of the figure.
    for (style, points, scale) in [("screen", 0.75, 2.0), ("paper", 0.62, 5.0)] {
        for study in [Study::table1(), Study::sweep()] {
            let style = format!("figures.style={style}");
            study.succeed(&["--set", &style, "--out", "out"]);
            let mut read = 0;
            for (name, png) in files(&study.path("out")) {
                let pdf = study.path("out").join(name.replace(".png", ".pdf"));
                if !name.ends_with(".png") || !pdf.exists() {
                    continue;
                }
                let (width, height, dark) = read_page(&pdf);
                // The size of a PNG stands behind its first 16 bytes.
                let size = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
                for (found, pixels) in [(width, size(16)), (height, size(20))] {
                    let expected = f64::from(pixels) / scale * points;
                    assert!(
                        (f64::from(found) - expected).abs() <= 1.0,
                        "{name}: {found}"
                    );
                }
                assert!(dark > 100, "{name}: {dark} dark pixels");
                read += 1;
            }
            assert!(read > 0);
        }
    }
}
