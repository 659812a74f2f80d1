-- Every value of a year and region that breaks a rule of edition 2024, by one statement written by hand.
-- In: the reported values and who may report what. Out: check and value, a row for each finding.
-- The yardstick of bench_validation.py: no use of the project's rule definitions; the edition's parameters are literals.
-- Each comparison reads the values once, whatever the number of rules about it. Binds year and region.
WITH
authority AS (
    SELECT DISTINCT duty_digest, indicator_code FROM reporter_dim
),
judged AS (
    SELECT
        v.*, sp.duty_digest, sp.system_digest, sp.year AS judged_year, sp.first_value_id, sp.due_second, sp.locked_at,
        sp.before_parse_id, sp.year_ago_parse_id,
        d.code, d.value_type, d.ratio_kind, d.frequency, d.reporting, d.aggregation, d.evidence_required,
        d.asked_of_unit, COALESCE(d.date_year_offset, 0) AS date_year_offset,
        COALESCE(NULLIF(v.stated_reporting, ''), d.reporting) AS reported_as,
        v.period_rank % 100 AS months,
        CASE d.value_type WHEN 'ratio' THEN v.denominator_q ELSE v.amount_q END AS volume,
        CASE WHEN d.effective_from <= v.period_last AND COALESCE(d.effective_to, '9999-12-31') >= v.period_first
            THEN 1 ELSE 0 END AS in_force,
        CASE WHEN d.is_adjustment = 0 AND (d.asked_of_unit = 1 OR a.indicator_code IS NOT NULL)
            THEN 1 ELSE 0 END AS reportable,
        CASE WHEN u.exists_in_year = 1 THEN 1 ELSE 0 END AS unit_known, u.has_duty,
        y.indicator_code AS duty, r.indicator_code AS may_report
    FROM slice_parse sp
    JOIN value v ON v.parse_id = sp.parse_id
    LEFT JOIN indicator_dim d ON d.system_digest = sp.system_digest AND d.code = v.indicator_code
    LEFT JOIN unit_dim u ON u.duty_digest = sp.duty_digest AND u.unit_code = v.unit_code
    LEFT JOIN duty_dim y
        ON y.duty_digest = sp.duty_digest AND y.unit_code = v.unit_code AND y.indicator_code = v.indicator_code
    LEFT JOIN reporter_dim r
        ON r.duty_digest = sp.duty_digest AND r.reporter_code = v.reporter_code AND r.indicator_code = v.indicator_code
    LEFT JOIN authority a ON a.duty_digest = sp.duty_digest AND a.indicator_code = v.indicator_code
    WHERE sp.year = :year AND sp.region = :region
),
row_marks AS (
    SELECT
        value_id,
        CASE WHEN unit_known = 0 AND (
            ((kind = 'office' OR unit_code <> reporter_code) AND COALESCE(unreadable, '') NOT LIKE '%unit%')
            OR (unit_code = reporter_code AND value_id = first_value_id)) THEN 1 ELSE 0 END AS unit_unknown,
        CASE WHEN in_force = 0 THEN 1 ELSE 0 END AS indicator_unknown,
        CASE WHEN in_force = 1 AND reportable = 0 THEN 1 ELSE 0 END AS not_reportable,
        CASE WHEN (kind = 'office' AND may_report IS NULL AND in_force = 1 AND reportable = 1)
            OR (kind = 'unit' AND unit_code <> reporter_code AND unit_known = 1) THEN 1 ELSE 0 END AS authz,
        CASE WHEN duty IS NULL AND not_applicable = 0 AND unit_known = 1 AND has_duty = 1 AND in_force = 1
            AND reportable = 1 THEN 1 ELSE 0 END AS not_applicable_to_unit,
        CASE WHEN CAST(SUBSTR(period, 1, 4) AS INTEGER) <> judged_year OR (frequency <> 'event' AND months <
            CASE frequency WHEN 'quarterly' THEN 3 WHEN 'half-yearly' THEN 6 WHEN 'yearly' THEN 12 ELSE 1 END)
            THEN 1 ELSE 0 END AS period_wrong,
        CASE WHEN numerator_q < 0 OR denominator_q < 0 OR amount_q < 0 THEN 1 ELSE 0 END AS negative,
        CASE WHEN (value_type = 'ratio' AND (numerator_q % 1000000 <> 0 OR denominator_q % 1000000 <> 0))
            OR (value_type = 'count' AND amount_q % 1000000 <> 0) THEN 1 ELSE 0 END AS count_not_integer,
        CASE WHEN not_applicable = 0
            AND COALESCE(numerator_raw, '') || COALESCE(denominator_raw, '') || COALESCE(value_raw, '')
                || COALESCE(boolean_raw, '') || COALESCE(date_raw, '') <> ''
            AND CASE value_type
                WHEN 'ratio' THEN
                    (numerator_q IS NULL AND COALESCE(fuzzy, '') || COALESCE(unreadable, '') NOT LIKE '%numerator%')
                    OR (denominator_q IS NULL
                        AND COALESCE(fuzzy, '') || COALESCE(unreadable, '') NOT LIKE '%denominator%')
                WHEN 'boolean' THEN boolean_value IS NULL AND COALESCE(unreadable, '') NOT LIKE '%boolean%'
                WHEN 'date' THEN date_value IS NULL AND COALESCE(unreadable, '') NOT LIKE '%date%'
                ELSE value_type IN ('count', 'amount', 'score') AND amount_q IS NULL
                    AND COALESCE(fuzzy, '') || COALESCE(unreadable, '') NOT LIKE '%value%'
                END THEN 1 ELSE 0 END AS part_missing,
        CASE WHEN value_type = 'ratio' AND ((ratio_kind = 'share' AND numerator_q > denominator_q)
            OR (denominator_q = 0 AND numerator_q > 0)) THEN 1 ELSE 0 END AS num_gt_den,
        CASE WHEN value_type = 'ratio' AND ratio_kind = 'share' AND stated_ratio <> '1'
            AND SUBSTR(stated_ratio, 1, 1) NOT IN ('0', '-') THEN 1 ELSE 0 END AS ratio_gt_1,
        CASE WHEN value_type = 'ratio' AND denominator_q = 0 AND numerator_q = 0 AND COALESCE(value_raw, '') <> ''
            THEN 1 ELSE 0 END AS zero_denominator,
        CASE WHEN value_type = 'ratio' AND ratio_gap > ratio_tolerance THEN 1 ELSE 0 END AS ratio_mismatch,
        CASE WHEN value_type = 'ratio' AND ratio_form = 'fraction' THEN 1 ELSE 0 END AS percent_form,
        CASE WHEN kind = 'unit' AND evidence_required = 1 AND asked_of_unit = 1 AND duty IS NOT NULL
            AND not_applicable = 0 AND (evidence_named = 0 OR COALESCE(evidence_missing, '') <> '')
            AND (numerator_q <> 0 OR denominator_q <> 0 OR amount_q <> 0 OR boolean_value = 1
                OR date_value IS NOT NULL) THEN 1 ELSE 0 END AS evidence_missing,
        CASE WHEN value_type = 'date' AND (
            CAST(SUBSTR(date_value, 1, 4) AS INTEGER) * 12 + CAST(SUBSTR(date_value, 6, 2) AS INTEGER)
            NOT BETWEEN (judged_year + date_year_offset) * 12 AND (judged_year + date_year_offset) * 12 + 12)
            THEN 1 ELSE 0 END AS date_out_of_period,
        CASE WHEN value_type = 'score' AND amount_q NOT BETWEEN 0 AND 100000000 THEN 1 ELSE 0 END AS score_range,
        CASE WHEN not_applicable = 1 AND duty IS NOT NULL AND COALESCE((SELECT g.verdict FROM decision g
            WHERE g.kind = 'not_applicable' AND g.year = judged.year AND g.unit_code = judged.unit_code
            AND g.indicator_code = judged.indicator_code AND g.period = judged.period
            ORDER BY g.decision_id DESC LIMIT 1), '') <> 'approve' THEN 1 ELSE 0 END AS na_unapproved,
        CASE WHEN stated_reporting = 'cumulative' AND reporting = 'current' THEN 1 ELSE 0 END AS period_type
    FROM judged
),
broken_rows AS (
    SELECT * FROM row_marks
    WHERE unit_unknown + indicator_unknown + not_reportable + authz + not_applicable_to_unit + period_wrong + negative
        + count_not_integer + part_missing + num_gt_den + ratio_gt_1 + zero_denominator + ratio_mismatch + percent_form
        + evidence_missing + date_out_of_period + score_range + na_unapproved + period_type > 0
),
row_checks (check_id) AS (
    VALUES ('UNIT_UNKNOWN'), ('INDICATOR_UNKNOWN'), ('NOT_REPORTABLE'), ('AUTHZ'), ('NOT_APPLICABLE_TO_UNIT'),
        ('PERIOD_WRONG'), ('NEGATIVE'), ('COUNT_NOT_INTEGER'), ('PART_MISSING'), ('NUM_GT_DEN'), ('RATIO_GT_1'),
        ('ZERO_DENOMINATOR'), ('RATIO_MISMATCH'), ('PERCENT_FORM'), ('EVIDENCE_MISSING'), ('DATE_OUT_OF_PERIOD'),
        ('SCORE_RANGE'), ('NA_UNAPPROVED'), ('PERIOD_TYPE')
),
of_rows AS (
    SELECT k.check_id, b.value_id
    FROM broken_rows b CROSS JOIN row_checks k
    WHERE CASE k.check_id
        WHEN 'UNIT_UNKNOWN' THEN unit_unknown WHEN 'INDICATOR_UNKNOWN' THEN indicator_unknown
        WHEN 'NOT_REPORTABLE' THEN not_reportable WHEN 'AUTHZ' THEN authz
        WHEN 'NOT_APPLICABLE_TO_UNIT' THEN not_applicable_to_unit WHEN 'PERIOD_WRONG' THEN period_wrong
        WHEN 'NEGATIVE' THEN negative WHEN 'COUNT_NOT_INTEGER' THEN count_not_integer
        WHEN 'PART_MISSING' THEN part_missing WHEN 'NUM_GT_DEN' THEN num_gt_den WHEN 'RATIO_GT_1' THEN ratio_gt_1
        WHEN 'ZERO_DENOMINATOR' THEN zero_denominator WHEN 'RATIO_MISMATCH' THEN ratio_mismatch
        WHEN 'PERCENT_FORM' THEN percent_form WHEN 'EVIDENCE_MISSING' THEN evidence_missing
        WHEN 'DATE_OUT_OF_PERIOD' THEN date_out_of_period WHEN 'SCORE_RANGE' THEN score_range
        WHEN 'NA_UNAPPROVED' THEN na_unapproved ELSE period_type END = 1
),
twice AS (
    SELECT 'DUP_ROW' AS check_id, v.value_id
    FROM judged v
    JOIN (SELECT parse_id, indicator_code, unit_code, period FROM judged
        GROUP BY parse_id, indicator_code, unit_code, period HAVING COUNT(*) > 1) n
        ON n.parse_id = v.parse_id AND n.indicator_code = v.indicator_code AND n.unit_code = v.unit_code
        AND n.period = v.period
),
part_checks (check_id, code, part, parts, other_code, other_part) AS (
    VALUES ('SUBSET_D4.1_D3.2', 'D4.1', 'denominator', 1, 'D3.2', 'denominator'),
        ('SUBSET_F2.4_F2.1', 'F2.4', 'denominator', 1, 'F2.1', 'denominator'),
        ('MEAN_D5.3_D5.2', 'D5.3', 'value', 1, 'D5.2', 'value'),
        ('SUM_B2.1_B2.2', 'B2.1', 'denominator', 1, 'B2.2', 'denominator'),
        ('SUM_B2.3_B2.2', 'B2.3', 'denominator', 1, 'B2.2', 'numerator'),
        ('SUM_B2.5_B2.1', 'B2.5', 'denominator', 1, 'B2.1', 'denominator'),
        ('SUM_D7.2_D7.1', 'D7.2', 'denominator', 1, 'D7.1', 'numerator'),
        ('SUM_F1.4_F1.1', 'F1.4', 'denominator', 1, 'F1.1', 'denominator'),
        ('DOUBLE_COUNT_D7.1', 'D7.1', 'denominator', 2, 'D4.1', 'denominator'),
        ('DOUBLE_COUNT_D7.1', 'D7.1', 'denominator', 2, 'D5.2', 'value')
),
part_pairs AS (
    SELECT
        k.check_id, k.parts, v.value_id, o.value_id AS other_id, k.other_code,
        CASE k.part WHEN 'numerator' THEN v.numerator_q WHEN 'denominator' THEN v.denominator_q
            ELSE COALESCE(v.amount_q, v.low_q) END AS low,
        CASE k.part WHEN 'numerator' THEN v.numerator_q WHEN 'denominator' THEN v.denominator_q
            ELSE COALESCE(v.amount_q, v.high_q) END AS high,
        CASE k.other_part WHEN 'numerator' THEN o.numerator_q WHEN 'denominator' THEN o.denominator_q
            ELSE COALESCE(o.amount_q, o.low_q) END AS other_low,
        CASE k.other_part WHEN 'numerator' THEN o.numerator_q WHEN 'denominator' THEN o.denominator_q
            ELSE COALESCE(o.amount_q, o.high_q) END AS other_high
    FROM part_checks k
    JOIN judged v ON v.indicator_code = k.code
    JOIN value o ON o.parse_id = v.parse_id AND o.indicator_code = k.other_code AND o.unit_code = v.unit_code
        AND o.period = v.period
),
of_parts AS (
    SELECT DISTINCT check_id, value_id FROM part_pairs
    WHERE (check_id LIKE 'SUBSET%' AND low > other_high)
        OR (check_id LIKE 'MEAN%' AND other_high > 0
            AND (high < other_low / 1000000 * 5000 OR low > other_high / 1000000 * 5000000))
    UNION ALL
    SELECT check_id, value_id FROM part_pairs
    WHERE check_id LIKE 'SUM%' OR check_id LIKE 'DOUBLE%'
    GROUP BY check_id, value_id, parts, low, high
    HAVING COUNT(*) = parts AND COUNT(DISTINCT other_code) = parts
        AND ((COUNT(other_low) = parts AND SUM(other_low) > high)
            OR (check_id LIKE 'SUM%' AND COUNT(other_high) = parts AND SUM(other_high) < low))
),
of_dates AS (
    SELECT 'DATE_NOT_YET' AS check_id, v.value_id
    FROM judged v
    JOIN parse p ON p.parse_id = v.parse_id
    JOIN submission_dim s ON s.submission_id = p.submission_id AND s.revision = p.revision
    WHERE v.date_value > s.submitted_day
    UNION ALL
    SELECT DISTINCT 'DATE_ORDER_I2.3_I2.2', v.value_id
    FROM judged v
    JOIN value o ON o.parse_id = v.parse_id AND o.indicator_code = 'I2.2' AND o.unit_code = v.unit_code
        AND o.period = v.period
    WHERE v.indicator_code = 'I2.3' AND v.date_value < o.date_value
),
authorised AS (
    SELECT o.*, r.duty_digest AS authorised_by
    FROM value o
    JOIN current_parse c ON c.parse_id = o.parse_id
    JOIN reporter_dim r ON r.reporter_code = o.reporter_code AND r.indicator_code = o.indicator_code
    WHERE o.kind = 'office' AND o.year = :year
),
beside_offices AS (
    SELECT
        v.value_id, v.kind, v.may_report, v.reporter_code, o.reporter_code AS other_reporter,
        CASE WHEN v.numerator_q <> o.numerator_q OR v.denominator_q <> o.denominator_q OR v.amount_q <> o.amount_q
            OR v.boolean_value <> o.boolean_value OR v.date_value <> o.date_value THEN 1 ELSE 0 END AS differs,
        CASE WHEN 50 * ABS(v.numerator_q - o.numerator_q) > ABS(o.numerator_q)
            OR 50 * ABS(v.denominator_q - o.denominator_q) > ABS(o.denominator_q)
            OR 50 * ABS(v.amount_q - o.amount_q) > ABS(o.amount_q)
            OR v.boolean_value <> o.boolean_value OR v.date_value <> o.date_value THEN 1 ELSE 0 END AS far,
        CASE WHEN COALESCE(v.amount_q, v.low_q) > COALESCE(o.amount_q, o.high_q)
            OR COALESCE(v.amount_q, v.high_q) < COALESCE(o.amount_q, o.low_q) THEN 1 ELSE 0 END AS apart
    FROM judged v
    JOIN authorised o ON o.authorised_by = v.duty_digest AND o.year = v.year AND o.indicator_code = v.indicator_code
        AND o.unit_code = v.unit_code AND o.period = v.period
),
of_offices AS (
    SELECT DISTINCT CASE far WHEN 1 THEN 'RECONCILE_FAR' ELSE 'RECONCILE' END AS check_id, value_id
    FROM beside_offices WHERE kind = 'unit' AND differs = 1
    UNION ALL
    SELECT DISTINCT 'CONFLICT', value_id
    FROM beside_offices
    WHERE kind = 'office' AND may_report IS NOT NULL AND reporter_code <> other_reporter
        AND (differs = 1 OR apart = 1)
),
beside_earlier_months AS (
    SELECT
        v.value_id, v.reported_as, v.months, v.aggregation, o.period_first >= v.period_first AS inside,
        v.amount_q <> 0 AND v.amount_q = o.amount_q AS same,
        COALESCE(v.numerator_q < o.numerator_q, FALSE) OR COALESCE(v.denominator_q < o.denominator_q, FALSE)
            OR COALESCE(v.amount_q < o.amount_q, FALSE)
            OR (v.numerator_q IS NULL AND v.denominator_q IS NULL AND (v.amount_q IS NULL OR o.amount_q IS NULL)
                AND COALESCE(COALESCE(v.amount_q, v.high_q) < COALESCE(o.amount_q, o.low_q), FALSE)) AS less
    FROM judged v
    JOIN value o ON o.year = v.year AND o.indicator_code = v.indicator_code AND o.unit_code = v.unit_code
        AND o.kind = v.kind AND o.reporter_code = v.reporter_code AND o.period_rank < v.period_rank
    JOIN current_parse c ON c.parse_id = o.parse_id
    WHERE (v.reported_as = 'cumulative' OR (v.reported_as = 'current' AND v.aggregation = 'sum' AND v.months > 1))
        AND COALESCE(NULLIF(o.stated_reporting, ''), v.reporting) = v.reported_as
),
of_the_year AS (
    SELECT DISTINCT 'CUMULATIVE_DECREASE' AS check_id, value_id FROM beside_earlier_months
    WHERE reported_as = 'cumulative' AND less
    UNION ALL
    SELECT DISTINCT 'NESTED_LESS', value_id FROM beside_earlier_months
    WHERE reported_as = 'current' AND inside AND less
    UNION ALL
    SELECT DISTINCT 'NESTED_EQUAL', value_id FROM beside_earlier_months
    WHERE reported_as = 'current' AND inside AND same
),
beside_earlier_years AS (
    SELECT
        v.value_id, v.year, v.kind, v.unit_code, v.indicator_code, v.period, v.period_last, v.value_type, v.volume,
        v.amount_q, o.amount_q AS other_amount, o.year AS other_year, o.period_first AS other_first,
        CASE v.value_type WHEN 'ratio' THEN o.denominator_q ELSE o.amount_q END AS other_volume,
        COALESCE(NULLIF(o.stated_reporting, ''), v.reporting) = v.reported_as AS same_kind,
        COALESCE(v.stated_scope, '') <> '' AND COALESCE(o.stated_scope, '') <> ''
            AND v.stated_scope <> o.stated_scope AS other_scope,
        v.indicator_code IN ('F1.1', 'F1.2', 'F1.3', 'F1.4', 'F1.5')
            AND '2024-01-01' > o.period_first AND '2024-01-01' <= v.period_last AS broken,
        COALESCE(v.value_type = 'amount' AND (v.amount_q / NULLIF(o.amount_q, 0) BETWEEN 5000 AND 20000
            OR o.amount_q / NULLIF(v.amount_q, 0) BETWEEN 5000 AND 20000), FALSE) AS off_by_scale
    FROM judged v
    JOIN value o ON o.year BETWEEN :year - 3 AND :year - 1 AND o.indicator_code = v.indicator_code
        AND o.unit_code = v.unit_code AND o.kind = v.kind AND SUBSTR(o.period, 5) = SUBSTR(v.period, 5)
    JOIN current_parse c ON c.parse_id = o.parse_id
),
year_checks (check_id) AS (
    VALUES ('INCOMPARABLE'), ('DEFINITION'), ('BREAK'), ('JUMP'), ('AMOUNT_SCALE')
),
of_earlier_years AS (
    SELECT DISTINCT
        CASE k.check_id WHEN 'BREAK' THEN 'BREAK_' || b.indicator_code ELSE k.check_id END AS check_id, b.value_id
    FROM (
        SELECT * FROM beside_earlier_years
        WHERE NOT same_kind OR other_scope OR broken OR off_by_scale
            OR (ABS(volume - other_volume) > 20000000 AND 2 * ABS(volume - other_volume) > ABS(other_volume))
    ) b CROSS JOIN year_checks k
    WHERE CASE k.check_id
        WHEN 'INCOMPARABLE' THEN NOT same_kind
        WHEN 'DEFINITION' THEN same_kind AND other_scope
        WHEN 'BREAK' THEN same_kind AND broken
        WHEN 'JUMP' THEN same_kind AND NOT other_scope AND NOT broken AND NOT off_by_scale
            AND volume >= 0 AND other_volume >= 0
            AND ABS(volume - other_volume) > 20000000 AND 2 * ABS(volume - other_volume) > ABS(other_volume)
        ELSE same_kind AND NOT other_scope AND NOT broken AND off_by_scale AND amount_q > 0 AND other_amount > 0 END
        AND NOT EXISTS (SELECT 1 FROM value n JOIN current_parse nc ON nc.parse_id = n.parse_id
            WHERE n.year > b.other_year AND n.year < b.year AND n.indicator_code = b.indicator_code
            AND n.unit_code = b.unit_code AND n.kind = b.kind AND SUBSTR(n.period, 5) = SUBSTR(b.period, 5))
),
beside_same_token AS (
    SELECT
        k.kind AS token_kind, k.length, v.value_id, v.year, v.kind, v.reporter_code, v.unit_code, o.year AS other_year,
        o.kind AS other_kind, o.reporter_code AS other_reporter, o.unit_code AS other_unit
    FROM judged v
    JOIN value_token k ON k.value_id = v.value_id
    JOIN value_token ko ON ko.kind = k.kind AND ko.token = k.token AND ko.value_id <> k.value_id
    JOIN value o ON o.value_id = ko.value_id
    JOIN current_parse c ON c.parse_id = o.parse_id
),
of_tokens AS (
    SELECT DISTINCT CASE token_kind WHEN 'number' THEN 'CROSS_UNIT_NUMBER' WHEN 'evidence' THEN 'CROSS_UNIT_EVIDENCE'
        ELSE 'TEXT_DUP' END AS check_id, value_id
    FROM beside_same_token
    WHERE CASE token_kind
        WHEN 'number' THEN other_year = year AND other_unit <> unit_code
        WHEN 'evidence' THEN other_year = year AND other_kind = 'unit' AND kind = 'unit'
            AND other_reporter <> reporter_code
        ELSE length >= 50 AND ((other_year = year AND other_reporter <> reporter_code)
            OR (other_year < year AND other_reporter = reporter_code)) END
),
sent AS (
    SELECT sp.parse_id, sp.year, sp.first_value_id AS value_id, sp.due_second, sp.locked_at, me.submission_id, me.revision,
        me.kind, me.sender_code, me.period, me.submitted_by, t.submitted_second
    FROM slice_parse sp
    JOIN parse p ON p.parse_id = sp.parse_id
    JOIN submission me ON me.submission_id = p.submission_id AND me.revision = p.revision
    JOIN submission_dim t ON t.submission_id = p.submission_id AND t.revision = p.revision
    WHERE sp.year = :year AND sp.region = :region AND sp.first_value_id IS NOT NULL
),
of_submissions AS (
    SELECT 'LATE' AS check_id, m.value_id FROM sent m
    WHERE m.submitted_second > m.due_second AND NOT EXISTS (
        SELECT 1 FROM submission q
        JOIN submission_dim t ON t.submission_id = q.submission_id AND t.revision = q.revision
        WHERE q.kind = m.kind AND q.sender_code = m.sender_code AND q.period = m.period
        AND t.submitted_second <= m.due_second)
    UNION ALL
    SELECT 'LOCKED', value_id FROM sent WHERE locked_at IS NOT NULL
    UNION ALL
    SELECT DISTINCT 'DUP_FILE', m.value_id FROM sent m
    JOIN submission_file f ON f.submission_id = m.submission_id AND f.revision = m.revision AND f.role = 'workbook'
    JOIN submission_file g ON g.sha256 = f.sha256 AND g.role = 'workbook'
    JOIN submission q ON q.submission_id = g.submission_id AND q.revision = g.revision
    JOIN submission_dim t ON t.submission_id = q.submission_id AND t.revision = q.revision
    WHERE q.kind = m.kind AND q.sender_code = m.sender_code AND q.year BETWEEN m.year - 3 AND m.year
        AND (t.submitted_second < m.submitted_second OR (t.submitted_second = m.submitted_second
            AND (q.revision < m.revision OR (q.revision = m.revision AND q.submission_id < m.submission_id))))
    UNION ALL
    SELECT DISTINCT 'VERSION_CONFLICT', m.value_id FROM sent m
    JOIN submission q ON q.kind = m.kind AND q.sender_code = m.sender_code AND q.period = m.period
        AND (q.submission_id <> m.submission_id OR q.revision <> m.revision)
    JOIN submission_dim t ON t.submission_id = q.submission_id AND t.revision = q.revision
    LEFT JOIN parse x ON x.submission_id = q.submission_id AND x.revision = q.revision
    WHERE ((q.submission_id <> m.submission_id AND q.revision = m.revision)
            OR (q.submitted_by <> m.submitted_by AND q.submitted_by <> '' AND m.submitted_by <> ''
                AND ABS(t.submitted_second - m.submitted_second) <= 3600))
        AND CASE WHEN x.parse_id IS NULL THEN EXISTS (
                SELECT 1 FROM submission_file e
                WHERE e.submission_id = q.submission_id AND e.revision = q.revision AND e.role = 'workbook'
                AND e.sha256 NOT IN (SELECT g.sha256 FROM submission_file g
                    WHERE g.submission_id = m.submission_id AND g.revision = m.revision AND g.role = 'workbook'))
            ELSE EXISTS (
                SELECT indicator_code, unit_code, period, value_digest FROM value WHERE parse_id = m.parse_id
                EXCEPT SELECT indicator_code, unit_code, period, value_digest FROM value WHERE parse_id = x.parse_id)
            OR EXISTS (
                SELECT indicator_code, unit_code, period, value_digest FROM value WHERE parse_id = x.parse_id
                EXCEPT SELECT indicator_code, unit_code, period, value_digest FROM value WHERE parse_id = m.parse_id)
            END
),
copied AS (
    SELECT
        v.parse_id, v.first_value_id,
        COUNT(NULLIF(v.numerator_q, 0)) + COUNT(NULLIF(v.denominator_q, 0)) + COUNT(NULLIF(v.amount_q, 0)) AS numbers,
        SUM(CASE WHEN v.numerator_q <> 0 AND v.numerator_q = o.numerator_q THEN 1 ELSE 0 END
            + CASE WHEN v.denominator_q <> 0 AND v.denominator_q = o.denominator_q THEN 1 ELSE 0 END
            + CASE WHEN v.amount_q <> 0 AND v.amount_q = o.amount_q THEN 1 ELSE 0 END) AS same_numbers
    FROM judged v
    JOIN (SELECT DISTINCT parse_id AS own, before_parse_id AS parse_id FROM judged WHERE before_parse_id IS NOT NULL
        UNION SELECT DISTINCT parse_id, year_ago_parse_id FROM judged WHERE year_ago_parse_id IS NOT NULL) e
        ON e.own = v.parse_id
    LEFT JOIN value o ON o.parse_id = e.parse_id AND o.indicator_code = v.indicator_code AND o.unit_code = v.unit_code
    GROUP BY v.parse_id, v.first_value_id, e.parse_id
),
of_copies AS (
    SELECT DISTINCT 'STALE_COPY' AS check_id, first_value_id AS value_id FROM copied
    WHERE numbers >= 5 AND 100 * same_numbers >= 80 * numbers
)
SELECT check_id, value_id FROM of_rows
UNION ALL SELECT check_id, value_id FROM twice
UNION ALL SELECT check_id, value_id FROM of_parts
UNION ALL SELECT check_id, value_id FROM of_dates
UNION ALL SELECT check_id, value_id FROM of_offices
UNION ALL SELECT check_id, value_id FROM of_the_year
UNION ALL SELECT check_id, value_id FROM of_earlier_years
UNION ALL SELECT check_id, value_id FROM of_tokens
UNION ALL SELECT check_id, value_id FROM of_submissions
UNION ALL SELECT check_id, value_id FROM of_copies
