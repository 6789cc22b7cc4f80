//! Request shapes: what is known of a request before it is sent, worked out once and looked up by number.
//!
//! Heads are interned; what a route table makes of a head, which behaviour serves it and which head a nested call
//! carries are pure functions of these numbers, so each is computed by the real matcher the first time and
//! remembered. The event loop meets no string.

use crate::plan::{Behaviour, Plan, SiteId, TableId};
use indexmap::IndexSet;
use proxy::listener::{Connection, Preface, Verdict, accept, accept_at};
use proxy::request::{Protocol, RequestHead};
use proxy::table::{Outcome, Resolution};
use rustc_hash::{FxBuildHasher, FxHashMap};
use xds::TrafficDirection;

base::id! {
    /// A request head.
    pub(crate) HeadId,
    /// What a table makes of a head dialled at a site.
    pub(crate) ShapeId,
}

/// How a request leaves its pod.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Through the sidecar's routes.
    Routed {
        /// The configuration that it is part of.
        table: TableId,
        resolution: Resolution,
        /// By the resolution's upstream heads.
        heads: Vec<HeadId>,
    },
    /// To the address that was dialled, through the sidecar's pass-through or TCP proxy.
    Passthrough,
    /// Nowhere: the sidecar closes the connection.
    Blackhole,
}

/// The memory of all shapes met so far.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    heads: IndexSet<RequestHead, FxBuildHasher>,
    shapes: Vec<Shape>,
    by_dial: FxHashMap<(TableId, SiteId, HeadId), ShapeId>,
    behaviours: FxHashMap<(u32, HeadId), u32>,
    nested: FxHashMap<(SiteId, HeadId), HeadId>,
}

impl Shapes {
    pub(crate) fn head_id(&mut self, head: RequestHead) -> HeadId {
        HeadId::new(self.heads.insert_full(head).0)
    }

    #[inline]
    pub(crate) fn get(&self, id: ShapeId) -> &Shape {
        &self.shapes[id.index()]
    }

    /// What `table` makes of `head`, dialled at `site`.
    #[inline]
    pub(crate) fn shape(
        &mut self,
        plan: &Plan,
        table: TableId,
        site: SiteId,
        head: HeadId,
    ) -> ShapeId {
        match self.by_dial.get(&(table, site, head)) {
            Some(id) => *id,
            None => self.resolve(plan, table, site, head),
        }
    }

    #[cold]
    fn resolve(&mut self, plan: &Plan, table: TableId, site: SiteId, head: HeadId) -> ShapeId {
        let dial = &plan.sites[site.index()].dial;
        let compiled = &plan.tables[table.index()];
        let request = &self.heads[head.index()];
        let connection = Connection {
            direction: TrafficDirection::Outbound,
            ip: dial.ip,
            port: dial.port,
            preface: match request.protocol {
                Protocol::Http1 => Preface::Http1,
                Protocol::Http2 => Preface::Http2,
            },
        };
        let listeners = compiled.listeners();
        let accepted = match dial.listener {
            Some(place) => accept_at(&listeners[place as usize], &connection),
            None => accept(listeners, &connection),
        };
        let shape = match accepted.verdict {
            Verdict::Http(name) => match compiled.route_config(name) {
                Some(config) => self.routed(table, compiled.resolve(config, request)),
                None => Shape::Blackhole,
            },
            Verdict::Tcp(_) | Verdict::Passthrough => Shape::Passthrough,
            Verdict::BlackHole
            | Verdict::NoFilterChain
            | Verdict::TlsExpected
            | Verdict::PlainTextExpected
            | Verdict::NoListener => Shape::Blackhole,
        };
        let id = ShapeId::new(self.shapes.len());
        self.shapes.push(shape);
        self.by_dial.insert((table, site, head), id);
        id
    }

    fn routed(&mut self, table: TableId, resolution: Resolution) -> Shape {
        match resolution.outcome {
            Outcome::Passthrough(_) => Shape::Passthrough,
            Outcome::Forward | Outcome::Reply { .. } => {
                let heads = resolution
                    .upstream_heads
                    .iter()
                    .map(|head| self.head_id(head.clone()))
                    .collect();
                Shape::Routed {
                    table,
                    resolution,
                    heads,
                }
            }
        }
    }

    /// The first of `behaviours`, those of the server numbered `server`, that serves `head`.
    #[inline]
    pub(crate) fn behaviour(&mut self, server: u32, behaviours: &[Behaviour], head: HeadId) -> u32 {
        if let Some(index) = self.behaviours.get(&(server, head)) {
            return *index;
        }
        let request = &self.heads[head.index()];
        let serves = |b: &Behaviour| {
            b.method
                .as_ref()
                .is_none_or(|method| *method == request.method)
                && request.path_only().starts_with(&b.path_prefix)
        };
        let index = behaviours
            .iter()
            .position(serves)
            .unwrap_or(behaviours.len() - 1) as u32;
        self.behaviours.insert((server, head), index);
        index
    }

    /// The head of a request made at `site` while `parent` is served.
    #[inline]
    pub(crate) fn nested(&mut self, plan: &Plan, site: SiteId, parent: HeadId) -> HeadId {
        if let Some(head) = self.nested.get(&(site, parent)) {
            return *head;
        }
        let made = &plan.sites[site.index()];
        let mut head = made.head.clone();
        for (name, value) in &self.heads[parent.index()].headers {
            if made.propagate.contains(name) && head.values(name).next().is_none() {
                head.headers.push((name.clone(), value.clone()));
            }
        }
        let head = self.head_id(head);
        self.nested.insert((site, parent), head);
        head
    }
}
