# Says which of the first words (up to --) is none of the others, and which of those is nearest to
# it. The distance is Levenshtein's, after capitals; two letters that changed places count once.

function least(a, b, c) { return a < b ? (a < c ? a : c) : (b < c ? b : c) }

function distance(a, b,   i, j, cost, table) {
  for (i = 0; i <= length(a); i++) table[i, 0] = i
  for (j = 0; j <= length(b); j++) table[0, j] = j
  for (i = 1; i <= length(a); i++)
    for (j = 1; j <= length(b); j++) {
      cost = substr(a, i, 1) == substr(b, j, 1) ? 0 : 1
      table[i, j] = least(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + cost)
      if (i > 1 && j > 1 && substr(a, i, 1) == substr(b, j - 1, 1) && substr(a, i - 1, 1) == substr(b, j, 1))
        table[i, j] = least(table[i, j], table[i - 2, j - 2] + 1, table[i, j])
    }
  return table[length(a), length(b)]
}

BEGIN {
  for (first = 1; ARGV[first] != "--"; first++) continue
  for (i = 1; i < first; i++) {
    shortest = -1
    for (j = first + 1; j < ARGC; j++) {
      asked = toupper(ARGV[i])
      # a part of a name stands for it: SEASONS for HISTORY_SEASONS
      d = length(asked) > 3 && index(ARGV[j], asked) ? 1 : distance(asked, ARGV[j])
      if (shortest < 0 || d < shortest) { shortest = d; nearest = ARGV[j] }
    }
    printf "%sThere is no variable %s; the nearest is %s.", (i > 1 ? " " : ""), ARGV[i], nearest
  }
  print " Next: correct the name; README.md and `make` name them."
}
