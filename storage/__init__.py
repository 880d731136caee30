"""Tables, queries and the operators' commands. The only room where SQL is written; decisions are taken in
`core`.
"""
