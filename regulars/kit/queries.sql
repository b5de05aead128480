-- name: recall
SELECT key, fingerprint, status, answer FROM once_answer WHERE workspace_id = $1 AND key = ANY($2::text[])

-- name: remember
INSERT INTO once_answer (workspace_id, key, fingerprint, status, answer, created_at)
SELECT $1, a.key, a.fingerprint, a.status, a.answer, $6
  FROM unnest($2::text[], $3::bytea[], $4::smallint[], $5::text[]) AS a (key, fingerprint, status, answer)
 ORDER BY a.key
