//! What figures are made for: how wide they may be, and on what ground they stand.

use crate::config::FigureStyle;
use crate::figures::{Ground, Spectrograms, title};

/// What the figures of a study are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) style: FigureStyle,
    /// Panels of q(K) beside each other.
    pub(crate) panels_across: usize,
    pub(crate) spectrograms: SpectrogramLook,
}

/// What spectrograms are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpectrogramLook {
    pub(crate) style: FigureStyle,
    pub(crate) ground: Ground,
    /// Panels beside each other.
    pub(crate) across: usize,
    /// Width and height of a panel, in pixels.
    pub(crate) panel: (u32, u32),
}

impl Look {
    /// Of figures that are files: on white, in two columns of a paper where there are panels.
    pub(super) fn from_style(style: FigureStyle) -> Self {
        Self {
            style,
            panels_across: 3,
            spectrograms: SpectrogramLook {
                style,
                ground: Ground::Light,
                across: 2,
                panel: (320, 170),
            },
        }
    }
}

impl SpectrogramLook {
    /// A figure with this look in place of its own.
    pub(super) fn applied_to(self, figure: &Spectrograms) -> Spectrograms {
        Spectrograms {
            style: self.style,
            ground: self.ground,
            title: title(self.style, figure.title.as_str()),
            columns: self.across,
            panel: self.panel,
            ..figure.clone()
        }
    }
}
