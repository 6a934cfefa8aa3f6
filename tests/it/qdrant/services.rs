//! The gRPC services: each request is entered in the log, takes a step of the script if there is
//! one, and is answered from memory otherwise. docent asks no others.

use std::sync::PoisonError;

use qdrant_client::qdrant as api;
use qdrant_client::qdrant::alias_operations::Action;
use qdrant_client::qdrant::collections_server::Collections;
use qdrant_client::qdrant::points_server::Points;
use qdrant_client::qdrant::qdrant_server::Qdrant;
use tonic::{Request, Response, Status};

use super::memory::Memory;
use super::rights::Judged;
use super::{Script, rights_of};

impl Script {
    /// Answers from memory what the script lets through.
    async fn answer<Q: Judged, A>(
        &self,
        method: &'static str,
        request: Request<Q>,
        answer: impl FnOnce(&mut Memory, Q) -> Result<A, Status>,
    ) -> Result<Response<A>, Status> {
        self.play(method, &request).await?;
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = answer(&mut memory, request.into_inner())?;
        if self.loses(method) {
            return Err(Status::unavailable("connection reset"));
        }
        Ok(Response::new(answer))
    }
}

#[tonic::async_trait]
impl Qdrant for Script {
    async fn health_check(
        &self,
        request: Request<api::HealthCheckRequest>,
    ) -> Result<Response<api::HealthCheckReply>, Status> {
        let version = self.version.to_owned();
        self.answer("health_check", request, |_, _| {
            Ok(api::HealthCheckReply { version, ..Default::default() })
        })
        .await
    }
}

/// Implements a service: some methods by a function of memory and request, the others not.
macro_rules! service {
    (
        $service:ident
        extra { $($extra:tt)* }
        played { $($name:ident: $request:ident => $response:ident = $answer:expr,)* }
        unplayed { $($other:ident: $other_request:ident => $other_response:ident,)* }
    ) => {
        #[tonic::async_trait]
        impl $service for Script {
            $($extra)*
            $(async fn $name(
                &self,
                request: Request<api::$request>,
            ) -> Result<Response<api::$response>, Status> {
                self.answer(stringify!($name), request, $answer).await
            })*
            $(async fn $other(
                &self,
                _: Request<api::$other_request>,
            ) -> Result<Response<api::$other_response>, Status> {
                Err(Status::unimplemented(stringify!($other)))
            })*
        }
    };
}

service! {
    Points
    extra {
        async fn query_batch(
            &self,
            request: Request<api::QueryBatchPoints>,
        ) -> Result<Response<api::QueryBatchResponse>, Status> {
            let scripted = self.play("query_batch", &request).await?;
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            if scripted.is_none() {
                memory.check(request.get_ref())?;
            }
            let lists = request.into_inner().query_points.into_iter().map(|query| {
                Ok(api::BatchResult { result: memory.query(query)? })
            });
            let result = scripted.map_or_else(|| lists.collect::<Result<_, Status>>(), Ok)?;
            Ok(Response::new(api::QueryBatchResponse { result, ..Default::default() }))
        }
    }
    played {
        upsert: UpsertPoints => PointsOperationResponse = |memory, request| {
            memory.check(&request)?;
            memory.upsert(request).map(|()| api::PointsOperationResponse::default())
        },
        delete: DeletePoints => PointsOperationResponse = |memory, request| {
            memory.check(&request)?;
            memory.delete(&request.collection_name, request.points)?;
            Ok(api::PointsOperationResponse::default())
        },
        get: GetPoints => GetResponse = |memory, request| {
            memory.check(&request)?;
            Ok(api::GetResponse { result: memory.get(request)?, ..Default::default() })
        },
        scroll: ScrollPoints => ScrollResponse = |memory, request| {
            memory.check(&request)?;
            let (result, next_page_offset) = memory.scroll(request)?;
            Ok(api::ScrollResponse { result, next_page_offset, ..Default::default() })
        },
        count: CountPoints => CountResponse = |memory, request| {
            memory.check(&request)?;
            let count = memory.count(&request.collection_name, request.filter.as_ref())?;
            let result = Some(api::CountResult { count });
            Ok(api::CountResponse { result, ..Default::default() })
        },
        create_field_index: CreateFieldIndexCollection => PointsOperationResponse =
            |memory, request| {
                memory.index(request)?;
                Ok(api::PointsOperationResponse::default())
            },
    }
    unplayed {
        update_vectors: UpdatePointVectors => PointsOperationResponse,
        delete_vectors: DeletePointVectors => PointsOperationResponse,
        set_payload: SetPayloadPoints => PointsOperationResponse,
        overwrite_payload: SetPayloadPoints => PointsOperationResponse,
        delete_payload: DeletePayloadPoints => PointsOperationResponse,
        clear_payload: ClearPayloadPoints => PointsOperationResponse,
        delete_field_index: DeleteFieldIndexCollection => PointsOperationResponse,
        create_vector_name: CreateVectorNameRequest => PointsOperationResponse,
        delete_vector_name: DeleteVectorNameRequest => PointsOperationResponse,
        search: SearchPoints => SearchResponse,
        search_batch: SearchBatchPoints => SearchBatchResponse,
        search_groups: SearchPointGroups => SearchGroupsResponse,
        recommend: RecommendPoints => RecommendResponse,
        recommend_batch: RecommendBatchPoints => RecommendBatchResponse,
        recommend_groups: RecommendPointGroups => RecommendGroupsResponse,
        discover: DiscoverPoints => DiscoverResponse,
        discover_batch: DiscoverBatchPoints => DiscoverBatchResponse,
        update_batch: UpdateBatchPoints => UpdateBatchResponse,
        query: QueryPoints => QueryResponse,
        query_groups: QueryPointGroups => QueryGroupsResponse,
        facet: FacetCounts => FacetResponse,
        search_matrix_pairs: SearchMatrixPoints => SearchMatrixPairsResponse,
        search_matrix_offsets: SearchMatrixPoints => SearchMatrixOffsetsResponse,
    }
}

fn done<T>(_: T) -> api::CollectionOperationResponse {
    api::CollectionOperationResponse { result: true, ..Default::default() }
}

service! {
    Collections
    extra {
        async fn get(
            &self,
            request: Request<api::GetCollectionInfoRequest>,
        ) -> Result<Response<api::GetCollectionInfoResponse>, Status> {
            self.answer("collection_info", request, |memory, request| {
                let result = Some(memory.info(&request.collection_name)?);
                Ok(api::GetCollectionInfoResponse { result, ..Default::default() })
            })
            .await
        }

        async fn list(
            &self,
            request: Request<api::ListCollectionsRequest>,
        ) -> Result<Response<api::ListCollectionsResponse>, Status> {
            let rights = rights_of(&request);
            self.answer("list", request, |memory, _| {
                let names = memory.names().into_iter().filter(|name| rights.may_read(name));
                let collections = names.map(|name| api::CollectionDescription { name }).collect();
                Ok(api::ListCollectionsResponse { collections, ..Default::default() })
            })
            .await
        }

        async fn list_aliases(
            &self,
            request: Request<api::ListAliasesRequest>,
        ) -> Result<Response<api::ListAliasesResponse>, Status> {
            let rights = rights_of(&request);
            self.answer("list_aliases", request, |memory, _| {
                let describe = |(alias_name, collection_name)| {
                    api::AliasDescription { alias_name, collection_name }
                };
                let may_read = |one: &api::AliasDescription| {
                    rights.may_read(&one.alias_name) && rights.may_read(&one.collection_name)
                };
                let aliases = memory.aliases().into_iter().map(describe).filter(may_read);
                let aliases = aliases.collect();
                Ok(api::ListAliasesResponse { aliases, ..Default::default() })
            })
            .await
        }

        async fn delete(
            &self,
            request: Request<api::DeleteCollection>,
        ) -> Result<Response<api::CollectionOperationResponse>, Status> {
            self.answer("delete_collection", request, |memory, request| {
                Ok(done(memory.delete_collection(&request.collection_name)))
            })
            .await
        }
    }
    played {
        create: CreateCollection => CollectionOperationResponse = |memory, request| {
            memory.create(request).map(done)
        },
        update: UpdateCollection => CollectionOperationResponse = |memory, request| {
            memory.update(request).map(done)
        },
        update_aliases: ChangeAliases => CollectionOperationResponse = |memory, request| {
            for action in request.actions {
                match action.action {
                    Some(Action::CreateAlias(alias)) => {
                        memory.alias(alias.alias_name, alias.collection_name)?;
                    }
                    _ => return Err(Status::unimplemented("another change of aliases")),
                }
            }
            Ok(done(()))
        },
        collection_cluster_info: CollectionClusterInfoRequest => CollectionClusterInfoResponse =
            |memory, request| memory.cluster(&request.collection_name),
    }
    unplayed {
        list_collection_aliases: ListCollectionAliasesRequest => ListAliasesResponse,
        collection_exists: CollectionExistsRequest => CollectionExistsResponse,
        update_collection_cluster_setup:
            UpdateCollectionClusterSetupRequest => UpdateCollectionClusterSetupResponse,
        create_shard_key: CreateShardKeyRequest => CreateShardKeyResponse,
        delete_shard_key: DeleteShardKeyRequest => DeleteShardKeyResponse,
        list_shard_keys: ListShardKeysRequest => ListShardKeysResponse,
    }
}
