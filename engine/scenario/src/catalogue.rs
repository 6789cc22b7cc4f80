//! The catalogue of images: how containers behave of which a scenario says nothing.
//!
//! Each file is a list of entries, written like those of `workloads`. Those of Istio's samples come with the engine; a
//! scenario's `images` names files with more, which are asked first.

use crate::object_name::nearest;
use crate::place::{Place, Placed};
use crate::reader::{Cursor, Reader, Times};
use crate::server::Server;
use crate::shape::{Field, Object, Shape, field};
use crate::target::Target;
use crate::workload::{WORKLOAD_FIELDS, Workload};
use base::SimDuration;
use manifest::{Source, read_node};
use std::sync::LazyLock;

/// All known images.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// Those of the scenario's files.
    own: Vec<Image>,
    /// Those that come with the engine.
    built_in: &'static [Image],
}

/// An image and how its containers behave.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its name, by which scenarios refer to it.
    pub name: Placed<String>,
    /// Which containers, and how they behave.
    pub workload: Workload,
}

/// An entry of a catalogue's file.
pub(crate) static IMAGE_OBJECT: Object = Object {
    name: "image",
    about: "How containers of an image behave: an entry of a file of `images`.",
    fields: &IMAGE_FIELDS,
    required: &["name", "image"],
    one_of: &[],
};

const IMAGE_FIELDS: [Field; WORKLOAD_FIELDS.len() + 1] = {
    let mut fields = [const { field("name", Shape::Text, NAME) }; WORKLOAD_FIELDS.len() + 1];
    let mut at = 0;
    while at < WORKLOAD_FIELDS.len() {
        fields[at + 1] = WORKLOAD_FIELDS[at];
        at += 1;
    }
    fields
};

const NAME: &str = "The image's name, to which `like` refers.";

impl Catalogue {
    /// Only the images that come with the engine.
    pub(crate) fn built_in() -> Self {
        Self {
            own: Vec::new(),
            built_in: &BUILT_IN,
        }
    }

    /// Reads a file of images.
    pub(crate) fn add(&mut self, reader: &mut Reader, source: &Source) {
        let root = match read_node(source) {
            Ok(root) => root,
            Err(found) => return found.into_iter().for_each(|one| reader.push(one)),
        };
        let images = reader.list(&Cursor::root(&root), |reader, node| {
            let image = self.read(reader, node)?;
            let known = self.own.iter().find(|known| *known.name == *image.name);
            if let Some(known) = known {
                let Place { location, .. } = &known.name.place;
                let message = format!("two images are named `{}`", *image.name);
                let help = format!("the other one is at {}:{}", location.file, location.line);
                reader.invalid(node, message, help);
            }
            self.own.push(image);
            Some(())
        });
        drop(images);
    }

    fn read(&self, reader: &mut Reader, node: &Cursor<'_>) -> Option<Image> {
        let fields = reader.object(node, &IMAGE_OBJECT)?;
        let like = fields.get("like").and_then(|node| self.like(reader, &node));
        let server = Server::read(reader, &fields, like.unwrap_or_default());
        let target = Target::read(reader, &fields)?;
        let name = fields
            .get("name")
            .and_then(|node| reader.placed_text(&node))?;
        Some(Image {
            name,
            workload: Workload { target, server },
        })
    }

    /// How containers of an image behave to which a scenario refers.
    pub(crate) fn like(&self, reader: &mut Reader, node: &Cursor<'_>) -> Option<Server> {
        let name = reader.text(node)?;
        if let Some(image) = self.images().find(|image| *image.name == name) {
            return Some(image.workload.server.clone());
        }
        let names: Vec<&str> = self.images().map(|image| image.name.as_str()).collect();
        let help = match nearest(&name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "the catalogue is in docs/workloads.md".to_owned(),
        };
        reader.invalid(node, format!("`{name}` is no image of the catalogue"), help);
        None
    }

    /// All images, in the order in which they are asked: the scenario's own first, and of those and the others, those first
    /// that ask for more than an image.
    pub(crate) fn images(&self) -> impl Iterator<Item = &Image> {
        let all = [&self.own[..], self.built_in];
        all.into_iter().flat_map(|images| {
            let is_special = |image: &&Image| !image.workload.target.env.is_empty();
            let special = images.iter().filter(is_special);
            special.chain(images.iter().filter(move |image| !is_special(image)))
        })
    }
}

/// The images that come with the engine.
static BUILT_IN: LazyLock<Vec<Image>> = LazyLock::new(|| {
    let times = Times {
        warm_up: SimDuration::ZERO,
        duration: SimDuration::from_secs(1),
    };
    let mut reader = Reader::new("default".to_owned(), times);
    let mut catalogue = Catalogue {
        own: Vec::new(),
        built_in: &[],
    };
    for (name, text) in FILES {
        let name = format!("{FOLDER}{name}");
        catalogue.add(&mut reader, &Source::new(name.as_str(), text));
    }
    let found = reader.into_diagnostics();
    assert!(
        found.is_empty(),
        "the catalogue is as its own grammar says: {found:?}"
    );
    catalogue.own
});

const FOLDER: &str = "catalogue/";

const FILES: [(&str, &str); 2] = [
    ("bookinfo.yaml", include_str!("../catalogue/bookinfo.yaml")),
    ("samples.yaml", include_str!("../catalogue/samples.yaml")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_is_in_the_reference() {
        let reference = include_str!("../../../docs/workloads.md");
        let images = Catalogue::built_in();
        let names: Vec<&str> = images.images().map(|image| image.name.as_str()).collect();
        assert!(names.len() > 15);
        for name in names {
            assert!(reference.contains(&format!("`{name}`")), "{name}");
        }
    }

    #[test]
    fn the_scenario_s_own_images_are_asked_first_and_special_ones_before_others() {
        let times = Times {
            warm_up: SimDuration::ZERO,
            duration: SimDuration::from_secs(1),
        };
        let mut reader = Reader::new("default".to_owned(), times);
        let mut images = Catalogue::built_in();
        let own = "- {name: httpbin, image: x}\n- {name: special, image: x, env: {A: b}}\n";
        images.add(&mut reader, &Source::new("own.yaml", own));
        assert!(reader.into_diagnostics().is_empty());
        let names: Vec<&str> = images.images().map(|image| image.name.as_str()).collect();
        assert_eq!(names[..2], ["special", "httpbin"]);
        assert_eq!(names[2], "bookinfo-ratings-faulty");
    }
}
