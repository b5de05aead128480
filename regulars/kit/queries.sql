-- name: recall
SELECT key, fingerprint, status, answer FROM once_answer WHERE workspace_id = $1 AND key = ANY($2::text[])

-- name: remember
INSERT INTO once_answer (workspace_id, key, fingerprint, status, answer, created_at)
SELECT $1, a.key, a.fingerprint, a.status, a.answer, $3 FROM unnest($2::once_answer_row[]) AS a ORDER BY a.key
