-- Whether an answer is known at the moment of the features: what was fetched at the moment itself
-- is not known yet, a historical answer of it is. Needs answered_at, fetched_at and features_as_of.
(answered_at < features_as_of OR (answered_at = features_as_of AND fetched_at > answered_at))
