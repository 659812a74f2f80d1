"""Words of the catalogue. In: nothing. Out: Chinese and English names of severities, fields and statuses."""

from collections.abc import Mapping

from fazhi.model.terms import Severity

BASIS_STATUS_ZH: Mapping[str, str] = {
    "found": "公开网页所见",
    "seed": "来源文本所载",
    "unverified": "未核实，引用前须核对原文",
}
BASIS_STATUS_EN: Mapping[str, str] = {
    "found": "seen on a public page",
    "seed": "stated in the source texts",
    "unverified": "not verified, to be checked against the original before it is cited",
}
SEVERITY_EN: Mapping[Severity, str] = {
    Severity.BLOCK: "returned, not scored until corrected",
    Severity.HOLD: "held until a person decides",
    Severity.WARN: "to be confirmed with an explanation, or corrected",
    Severity.NOTE: "changed automatically and told",
    Severity.SECURITY: "kept out for security",
}
JUDGED_ZH: Mapping[str, str] = {"intake": "读取文件时", "values": "读取之后，与其他数据一起"}
JUDGED_EN: Mapping[str, str] = {"intake": "while reading the file", "values": "over the values read"}
FIELD_ZH: Mapping[str, str] = {
    "raw": "单元格",
    "of": "报送任务",
    "file": "文件",
    "text": "文字",
    "column": "列",
    "cover": "封面",
    "indicator": "指标",
    "unit": "单位",
    "by": "报送单位",
    "clerk": "填报人",
    "kind": "种类",
    "year": "年度",
    "period": "填报期",
    "numerator": "分子",
    "denominator": "分母",
    "value": "数值",
    "stated": "比率",
    "boolean": "是否",
    "date": "日期",
    "date_year": "日期的年份",
    "na": "不适用",
    "reason": "理由",
    "note": "情况说明",
    "evidence": "佐证材料数",
    "evidence_file": "佐证材料",
    "reporting": "注明",
    "scope": "范围",
    "revision": "第几次报送",
    "sent": "报送日",
    "clock": "报送时刻",
}
"""The names that examples of ``checks.yaml`` use."""

FIELD_EN: Mapping[str, str] = {
    "raw": "cell",
    "of": "period asked",
    "na": "not applicable",
    "evidence": "pieces of evidence",
    "evidence_file": "evidence",
    "stated": "stated ratio",
    "date_year": "year of the date",
    "by": "sent by",
    "sent": "sent on day",
    "clock": "at",
}
"""Where the English word is not the name itself."""

WORD_ZH: Mapping[tuple[str, str], str] = {
    ("kind", "office"): "主管机关报送",
    ("kind", "unit"): "单位报送",
    ("reporting", "cumulative"): "累计数",
    ("reporting", "current"): "当期数",
    ("na", "1"): "是",
    ("year", "-1"): "上一年",
    ("date_year", "-1"): "上一年",
}
