//! An SVG document as a PNG file, drawn with the embedded font, twice as large.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};
use std::sync::Arc;

/// Draws SVG documents; making one reads the fonts.
pub(crate) struct Painter {
    fonts: Arc<Database>,
}

impl Painter {
    pub(crate) fn new() -> Self {
        let mut fonts = Database::new();
        for font in [REGULAR, SEMI_BOLD] {
            fonts.load_font_data(font.to_vec());
        }
        fonts.set_sans_serif_family("Inter");
        Self {
            fonts: Arc::new(fonts),
        }
    }

    /// The document as a PNG file.
    pub(crate) fn png(&self, svg: &str) -> Vec<u8> {
        let options = Options {
            font_family: "Inter".to_owned(),
            fontdb: Arc::clone(&self.fonts),
            ..Options::default()
        };
        let tree = Tree::from_str(svg, &options).expect("a document of ours is valid SVG");
        let size = tree.size().to_int_size();
        let (width, height) = (size.width() * SCALE, size.height() * SCALE);
        let mut pixmap = Pixmap::new(width, height).expect("a picture is neither empty nor huge");
        let scale = Transform::from_scale(SCALE as f32, SCALE as f32);
        resvg::render(&tree, scale, &mut pixmap.as_mut());
        encode(&pixmap)
    }
}

/// A PNG file without transparency, for a document has a background.
fn encode(pixmap: &Pixmap) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, pixmap.width(), pixmap.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // In flat pictures equal bytes are found best where no filter has changed them.
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_filter(png::Filter::NoFilter);
    let rows: Vec<u8> = (pixmap.data().chunks_exact(4))
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect();
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&rows))
        .expect("a picture in memory can be encoded");
    file
}

/// Pixels of the file to a pixel of the document.
const SCALE: u32 = 2;

/// Inter 3.19, reduced (assets/Inter-OFL.txt).
const REGULAR: &[u8] = include_bytes!("../../assets/Inter-Regular.otf");
const SEMI_BOLD: &[u8] = include_bytes!("../../assets/Inter-SemiBold.otf");
