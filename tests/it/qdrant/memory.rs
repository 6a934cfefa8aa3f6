//! As much of Qdrant as docent uses, in memory: collections, aliases, points, filters, exact search.
//! Only what Qdrant documents: speed, durability and distribution can only be tested with a real
//! server.

use std::collections::{BTreeMap, HashMap, HashSet};

use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::vectors::VectorsOptions;
use qdrant_client::qdrant::{
    CollectionClusterInfoResponse, CollectionInfo, CreateCollection, CreateFieldIndexCollection,
    DenseVector, Filter, GetPoints, NamedVectorsOutput, PointId, PointStruct, PointsSelector,
    QueryPoints, RetrievedPoint, ScoredPoint, ScrollPoints, SparseVector, StrictModeConfig,
    UpdateCollection, UpsertPoints, Value, VectorOutput, VectorsOutput, WithVectorsSelector, query,
    vector, vector_input, vector_output, vectors_config, vectors_output, with_payload_selector,
    with_vectors_selector,
};
use tonic::Status;

use super::filters::{NUMBER, has, id, passes, point_id};
use super::layout::Laid;
use super::strict::Checked;

/// All that a server has.
#[derive(Default)]
pub(crate) struct Memory {
    collections: BTreeMap<String, Collection>,
    aliases: BTreeMap<String, String>,
    /// Collections that refuse further points.
    refusing: HashSet<String>,
    /// Nodes of the cluster beside the one that is asked.
    pub(crate) other_peers: u64,
}

#[derive(Clone, Default)]
struct Collection {
    metadata: HashMap<String, Value>,
    laid: Laid,
    /// Dimensions of the dense vectors, by name.
    dimensions: HashMap<String, u64>,
    points: BTreeMap<String, Point>,
}

#[derive(Clone, Default)]
struct Point {
    payload: HashMap<String, Value>,
    /// Dense vectors, of unit length.
    dense: HashMap<String, Vec<f32>>,
    sparse: HashMap<String, SparseVector>,
}

fn missing(name: &str) -> Status {
    Status::not_found(format!("Collection `{name}` doesn't exist!"))
}

impl Memory {
    pub(crate) fn create(&mut self, request: CreateCollection) -> Result<(), Status> {
        let name = request.collection_name.clone();
        let laid = Laid::of(&request);
        if self.collections.contains_key(&name) || self.aliases.contains_key(&name) {
            return Err(Status::already_exists(format!("Collection `{name}` already exists!")));
        }
        let dimensions = match request.vectors_config.and_then(|config| config.config) {
            Some(vectors_config::Config::ParamsMap(params)) => {
                params.map.into_iter().map(|(vector, params)| (vector, params.size)).collect()
            }
            Some(vectors_config::Config::Params(params)) => {
                HashMap::from([(String::new(), params.size)])
            }
            None => HashMap::new(),
        };
        let collection =
            Collection { metadata: request.metadata, laid, dimensions, ..Default::default() };
        self.collections.insert(name, collection);
        Ok(())
    }

    /// The aliases go with it. Nothing to delete is success, and false.
    pub(crate) fn delete_collection(&mut self, name: &str) -> bool {
        self.aliases.retain(|_, collection| collection != name);
        self.collections.remove(name).is_some()
    }

    /// Metadata are merged by key.
    pub(crate) fn update(&mut self, request: UpdateCollection) -> Result<(), Status> {
        let found = self.named(&request.collection_name)?;
        found.laid.update(&request);
        found.metadata.extend(request.metadata);
        Ok(())
    }

    pub(crate) fn index(&mut self, request: CreateFieldIndexCollection) -> Result<(), Status> {
        self.named(&request.collection_name)?.laid.index(request);
        Ok(())
    }

    /// Removes a key of the metadata, as if the collection was made before that key existed.
    pub(crate) fn forget_metadata(&mut self, name: &str, key: &str) {
        let found = self.named(name).expect("a collection").metadata.remove(key);
        assert!(found.is_some(), "{key} was not there");
    }

    pub(crate) fn info(&mut self, name: &str) -> Result<CollectionInfo, Status> {
        let found = self.named(name)?;
        Ok(found.laid.info(found.metadata.clone()))
    }

    pub(crate) fn cluster(&mut self, name: &str) -> Result<CollectionClusterInfoResponse, Status> {
        let peers = self.other_peers + 1;
        Ok(self.named(name)?.laid.cluster(peers))
    }

    /// How a collection is laid out, as an operator may change it.
    pub(crate) fn laid(&mut self, name: &str) -> &mut Laid {
        &mut self.named(name).expect("a collection").laid
    }

    /// Removes the index of a field, as if the collection was made before the field was indexed.
    pub(crate) fn forget_index(&mut self, name: &str, field: &str) {
        assert!(self.laid(name).indexes.remove(field).is_some(), "{field} was indexed");
    }

    /// From now on, as an operator does it.
    pub(crate) fn restrict(&mut self, name: &str, strict: StrictModeConfig) {
        self.laid(name).config.strict_mode_config =
            Some(StrictModeConfig { enabled: Some(true), ..strict });
    }

    /// Refuses what strict mode forbids.
    pub(crate) fn check(&mut self, request: &impl Checked) -> Result<(), Status> {
        let Laid { config, indexes, .. } = &self.named(request.collection())?.laid;
        match &config.strict_mode_config {
            Some(strict) => request.check(strict, &|field| indexes.contains_key(field)),
            None => Ok(()),
        }
    }

    /// Copies that were asked for.
    pub(crate) fn replication_of(&self, name: &str) -> Option<u32> {
        self.collections[name].laid.config.params.as_ref().and_then(|it| it.replication_factor)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.collections.keys().cloned().collect()
    }

    /// Alias and collection.
    pub(crate) fn aliases(&self) -> Vec<(String, String)> {
        self.aliases.clone().into_iter().collect()
    }

    /// One that is there names another collection from then on.
    pub(crate) fn alias(&mut self, alias: String, collection: String) -> Result<(), Status> {
        if !self.collections.contains_key(&collection) {
            return Err(missing(&collection));
        }
        if self.collections.contains_key(&alias) {
            return Err(Status::already_exists(format!("Collection `{alias}` already exists!")));
        }
        self.aliases.insert(alias, collection);
        Ok(())
    }

    pub(crate) fn unname(&mut self, alias: &str) {
        self.aliases.remove(alias);
    }

    /// As from a snapshot: what is in it, and what its metadata says, under another name. A snapshot
    /// has no aliases.
    pub(crate) fn recover(&mut self, snapshot_of: &str, name: &str) {
        let found = self.named(snapshot_of).expect("a collection").clone();
        self.collections.insert(name.to_owned(), found);
    }

    /// How many points there are of a kind.
    pub(crate) fn count_records(&mut self, name: &str, kind: &str) -> usize {
        let is_one =
            |point: &Point| point.payload.get("record").is_some_and(|record| has(record, &[kind]));
        let found = self.named(name);
        found.map_or(0, |found| found.points.values().filter(|point| is_one(point)).count())
    }

    /// As a manifest is that was written before there was such a field; whether it was there.
    pub(crate) fn forget_in_manifest(&mut self, name: &str, field: &str) -> bool {
        let metadata = &mut self.named(name).expect("a collection").metadata;
        let manifest = metadata.get_mut("docent").and_then(|value| value.kind.as_mut());
        let Some(Kind::StructValue(manifest)) = manifest else { panic!("no manifest") };
        manifest.fields.remove(field).is_some()
    }

    /// As a manifest is that was written before collections had owners.
    pub(crate) fn forget_owner(&mut self, name: &str) {
        assert!(self.forget_in_manifest(name, "owner"), "it had an owner");
        for point in self.named(name).expect("a collection").points.values_mut() {
            point.payload.remove("project");
        }
    }

    /// Each upsert into it is refused from now on.
    pub(crate) fn refuse_points(&mut self, physical: &str) {
        self.refusing.insert(physical.to_owned());
    }

    /// A copy of a chunk with its vectors, as another program would write a point of its own.
    pub(crate) fn add_foreign(&mut self, name: &str, number: u64, payload: HashMap<String, Value>) {
        let found = self.named(name).expect("a collection");
        let mut points = found.points.values();
        let like = points.find(|point| !point.dense.is_empty()).expect("a point with vectors");
        let point = Point { payload, ..like.clone() };
        found.points.insert(format!("{NUMBER}{number}"), point);
    }

    /// All points of an alias, a line each, without times and the names of runs. Vectors are given by
    /// their sums, since one that was read and written again is rounded once more.
    pub(crate) fn contents(&mut self, alias: &str) -> Vec<String> {
        const PASSING: [&str; 5] = ["ingested_at", "failed_at", "run_id", "mtime", "term"];
        let line = |(id, point): (&String, &Point)| {
            let fields = point.payload.iter().filter(|(name, _)| !PASSING.contains(&name.as_str()));
            let fields: BTreeMap<_, _> = fields.map(|(name, value)| (name, shown(value))).collect();
            let dense: f32 = point.dense.values().flatten().sum();
            let sparse = point.sparse.values().flat_map(|sparse| &sparse.values).sum::<f32>();
            format!("{id} {fields:?} {dense:.5} {sparse:.5}")
        };
        let found = self.named(alias);
        found.map_or_else(|_| Vec::new(), |found| found.points.iter().map(line).collect())
    }

    /// Changes the payloads of all points.
    pub(crate) fn each_payload(
        &mut self,
        name: &str,
        change: impl FnMut(&mut HashMap<String, Value>),
    ) {
        let found = self.named(name).expect("a collection");
        found.points.values_mut().map(|point| &mut point.payload).for_each(change);
    }

    /// The payload of the only point of a collection.
    pub(crate) fn only_payload(&mut self, name: &str) -> &mut HashMap<String, Value> {
        let points = &mut self.collections.get_mut(name).expect("a collection").points;
        assert_eq!(points.len(), 1);
        &mut points.values_mut().next().expect("a point").payload
    }

    fn named(&mut self, name: &str) -> Result<&mut Collection, Status> {
        let physical = self.aliases.get(name).map_or(name, String::as_str).to_owned();
        self.collections.get_mut(&physical).ok_or_else(|| missing(name))
    }

    /// With an `update_filter`: points that are not there, and those that pass it.
    pub(crate) fn upsert(&mut self, request: UpsertPoints) -> Result<(), Status> {
        if self.refusing.contains(&request.collection_name) {
            return Err(Status::invalid_argument("Wrong input: no more points are taken"));
        }
        let collection = self.named(&request.collection_name)?;
        let new = request.points.into_iter().map(|point| collection.stored(point));
        let new = new.collect::<Result<Vec<_>, _>>()?;
        for (id, point) in new {
            let replaced = match (&request.update_filter, collection.points.get(&id)) {
                (Some(filter), Some(present)) => passes(filter, &id, &present.payload),
                _ => true,
            };
            if replaced {
                collection.points.insert(id, point);
            }
        }
        Ok(())
    }

    pub(crate) fn delete(
        &mut self,
        name: &str,
        which: Option<PointsSelector>,
    ) -> Result<(), Status> {
        let collection = self.named(name)?;
        match which.and_then(|which| which.points_selector_one_of) {
            Some(PointsSelectorOneOf::Points(list)) => {
                for point in list.ids {
                    collection.points.remove(&id(point));
                }
            }
            Some(PointsSelectorOneOf::Filter(filter)) => {
                collection.points.retain(|id, point| !passes(&filter, id, &point.payload));
            }
            None => {}
        }
        Ok(())
    }

    pub(crate) fn get(&mut self, request: GetPoints) -> Result<Vec<RetrievedPoint>, Status> {
        let collection = self.named(&request.collection_name)?;
        let ids = request.ids.into_iter().map(id);
        let found = ids.filter_map(|id| Some((id.clone(), collection.points.get(&id)?)));
        let payload = request.with_payload.and_then(|selector| selector.selector_options);
        Ok(found.map(|(id, point)| point.retrieved(&id, payload.as_ref(), &[])).collect())
    }

    pub(crate) fn count(&mut self, name: &str, filter: Option<&Filter>) -> Result<u64, Status> {
        Ok(self.named(name)?.passing(filter).count() as u64)
    }

    /// A page, and where the next one begins.
    pub(crate) fn scroll(
        &mut self,
        request: ScrollPoints,
    ) -> Result<(Vec<RetrievedPoint>, Option<PointId>), Status> {
        let collection = self.named(&request.collection_name)?;
        let start = request.offset.map(id).unwrap_or_default();
        let limit = request.limit.unwrap_or(10) as usize;
        let payload = request.with_payload.and_then(|selector| selector.selector_options);
        let vectors = names(request.with_vectors);
        let mut found = collection
            .passing(request.filter.as_ref())
            .filter(|(id, _)| **id >= start)
            .collect::<Vec<_>>();
        if let Some(order) = request.order_by {
            if !collection.laid.indexes.contains_key(&order.key) {
                let key = order.key;
                return Err(Status::invalid_argument(format!(
                    "Bad request: No range index for `order_by` key: `{key}`"
                )));
            }
            let number = |point: &Point| point.payload.get(&order.key).and_then(Value::as_integer);
            found.retain(|(_, point)| number(point).is_some());
            found.sort_by_key(|(_, point)| std::cmp::Reverse(number(point)));
            found.truncate(limit);
        }
        let rest = found.split_off(limit.min(found.len()));
        let page = found.into_iter();
        let page =
            page.map(|(id, point)| point.retrieved(id, payload.as_ref(), &vectors)).collect();
        Ok((page, rest.first().map(|(id, _)| point_id(id))))
    }

    pub(crate) fn query(&mut self, request: QueryPoints) -> Result<Vec<ScoredPoint>, Status> {
        let collection = self.named(&request.collection_name)?;
        let using = request.using.unwrap_or_default();
        let wanted = names(request.with_vectors);
        let Some(query::Variant::Nearest(nearest)) = request.query.and_then(|query| query.variant)
        else {
            return Err(Status::unimplemented("another query than for the nearest"));
        };
        let scores = match nearest.variant {
            Some(vector_input::Variant::Dense(vector)) => {
                collection.by_cosine(&using, &vector.data)?
            }
            Some(vector_input::Variant::Sparse(vector)) => collection.by_terms(&using, &vector),
            _ => return Err(Status::unimplemented("another vector than dense or sparse")),
        };
        let mut hits: Vec<(f32, &String)> = scores
            .into_iter()
            .filter(|(_, id)| {
                let payload = &collection.points[*id].payload;
                request.filter.as_ref().is_none_or(|filter| passes(filter, id, payload))
            })
            .filter(|(score, _)| request.score_threshold.is_none_or(|floor| *score >= floor))
            .collect();
        hits.sort_by(|a, b| b.0.total_cmp(&a.0));
        let offset = request.offset.unwrap_or_default() as usize;
        hits.drain(..offset.min(hits.len()));
        hits.truncate(request.limit.unwrap_or(10) as usize);
        let hit = |(score, id): (f32, &String)| ScoredPoint {
            id: Some(point_id(id)),
            payload: collection.points[id].payload.clone(),
            score,
            vectors: Some(collection.points[id].vectors(&wanted)),
            ..ScoredPoint::default()
        };
        Ok(hits.into_iter().map(hit).collect())
    }
}

/// Names of the vectors that are asked for.
fn names(selector: Option<WithVectorsSelector>) -> Vec<String> {
    match selector.and_then(|selector| selector.selector_options) {
        Some(with_vectors_selector::SelectorOptions::Include(selected)) => selected.names,
        _ => Vec::new(),
    }
}

/// The fields of an object in order.
fn shown(value: &Value) -> String {
    match &value.kind {
        Some(Kind::StructValue(object)) => {
            let fields: BTreeMap<_, _> =
                object.fields.iter().map(|(name, value)| (name, shown(value))).collect();
            format!("{fields:?}")
        }
        Some(Kind::ListValue(list)) => {
            format!("{:?}", list.values.iter().map(shown).collect::<Vec<_>>())
        }
        kind => format!("{kind:?}"),
    }
}

impl Collection {
    fn passing(&self, filter: Option<&Filter>) -> impl Iterator<Item = (&String, &Point)> {
        let filter = filter.cloned();
        self.points.iter().filter(move |(id, point)| {
            filter.as_ref().is_none_or(|f| passes(f, id, &point.payload))
        })
    }

    fn check(&self, name: &str, found: usize) -> Result<(), Status> {
        match self.dimensions.get(name) {
            Some(expected) if *expected == found as u64 => Ok(()),
            Some(expected) => Err(Status::invalid_argument(format!(
                "Wrong input: Vector dimension error: expected dim: {expected}, got {found}"
            ))),
            None => {
                Err(Status::invalid_argument(format!("Not existing vector name error: {name}")))
            }
        }
    }

    fn stored(&self, new: PointStruct) -> Result<(String, Point), Status> {
        let mut point = Point { payload: new.payload, ..Point::default() };
        let named = match new.vectors.and_then(|vectors| vectors.vectors_options) {
            Some(VectorsOptions::Vectors(named)) => named.vectors,
            _ => HashMap::new(),
        };
        for (name, vector) in named {
            match vector.vector {
                Some(vector::Vector::Dense(dense)) => {
                    self.check(&name, dense.data.len())?;
                    point.dense.insert(name, unit(&dense.data));
                }
                Some(vector::Vector::Sparse(sparse)) => {
                    point.sparse.insert(name, sparse);
                }
                _ => return Err(Status::unimplemented("another vector than dense or sparse")),
            }
        }
        let id = new.id.map(id).ok_or_else(|| Status::invalid_argument("a point without id"))?;
        Ok((id, point))
    }

    fn by_cosine(&self, using: &str, query: &[f32]) -> Result<Vec<(f32, &String)>, Status> {
        self.check(using, query.len())?;
        let query = unit(query);
        let score = |point: &Point| {
            let vector = point.dense.get(using)?;
            Some(vector.iter().zip(&query).map(|(a, b)| a * b).sum())
        };
        Ok(self.points.iter().filter_map(|(id, point)| Some((score(point)?, id))).collect())
    }

    /// Dot product of the terms in common, each weighted by how rare it is.
    fn by_terms(&self, using: &str, query: &SparseVector) -> Vec<(f32, &String)> {
        let all: Vec<_> = self
            .points
            .iter()
            .filter_map(|(id, point)| Some((id, point.sparse.get(using)?)))
            .collect();
        let weight = |term: u32| {
            let having = all.iter().filter(|(_, vector)| vector.indices.contains(&term)).count();
            let (having, all) = (having as f32, all.len() as f32);
            ((all - having + 0.5) / (having + 0.5) + 1.0).ln()
        };
        let weights: HashMap<u32, f32> = query
            .indices
            .iter()
            .zip(&query.values)
            .map(|(term, value)| (*term, value * weight(*term)))
            .collect();
        let score = |vector: &SparseVector| {
            let terms = vector.indices.iter().zip(&vector.values);
            let common: Vec<f32> =
                terms.filter_map(|(term, value)| Some(value * weights.get(term)?)).collect();
            (!common.is_empty()).then(|| common.iter().sum())
        };
        all.iter().filter_map(|(id, vector)| Some((score(vector)?, *id))).collect()
    }
}

impl Point {
    fn retrieved(
        &self,
        id: &str,
        payload: Option<&with_payload_selector::SelectorOptions>,
        vectors: &[String],
    ) -> RetrievedPoint {
        let payload = match payload {
            Some(with_payload_selector::SelectorOptions::Enable(true)) => self.payload.clone(),
            Some(with_payload_selector::SelectorOptions::Include(selected)) => {
                let wanted: HashSet<&String> = selected.fields.iter().collect();
                self.payload.clone().into_iter().filter(|(key, _)| wanted.contains(key)).collect()
            }
            _ => HashMap::new(),
        };
        RetrievedPoint {
            id: Some(point_id(id)),
            payload,
            vectors: Some(self.vectors(vectors)),
            ..RetrievedPoint::default()
        }
    }

    fn vectors(&self, names: &[String]) -> VectorsOutput {
        let vector = |name: &String| {
            let dense = self.dense.get(name).map(|data| DenseVector { data: data.clone() });
            let sparse = || self.sparse.get(name).cloned().map(vector_output::Vector::Sparse);
            let vector = dense.map(vector_output::Vector::Dense).or_else(sparse)?;
            let vector = Some(vector);
            Some((name.clone(), VectorOutput { vector, ..VectorOutput::default() }))
        };
        let named = NamedVectorsOutput { vectors: names.iter().filter_map(vector).collect() };
        let named = vectors_output::VectorsOptions::Vectors(named);
        VectorsOutput { vectors_options: Some(named) }
    }
}

fn unit(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter().map(|x| if length > 0.0 { x / length } else { *x }).collect()
}
