# Completion of litetts for bash. Commands, options and their values come from --help, so they are always those of the
# program that is installed.

# The options of a command, one a line, with their explanation.
_litetts_options() {
    litetts "$1" --help 2>/dev/null | sed -n '/^Options:/,/^$/p' | sed ':a;N;$!ba;s/\n \{10,\}/  /g' | grep -- '--'
}

_litetts() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words='' value=''
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ] || { [ "$COMP_CWORD" -eq 2 ] && [ "$command" = help ]; }; then
        words=$(litetts --help 2>/dev/null | sed -n 's/^  \([a-z]\{1,\}\)  .*/\1/p')
        [ "$COMP_CWORD" -eq 1 ] && words="$words help --help --version"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
        return
    fi
    local line=
    case $previous in
        -?*) line=$(_litetts_options "$command" | grep -E -- "^ +(-., )?$previous [A-Z]|^ +$previous, --[a-z-]+ [A-Z]") ;;
    esac
    [ -n "$line" ] && value=$(printf '%s\n' "$line" | sed 's/^ *\(-., \)\{0,1\}--[a-z-]* \([^ ]*\).*/\2/')
    case $value in
        *FILE*|*DIR*|*.*)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return ;;
        VOICE) words=$(litetts voices 2>/dev/null | sed '1d; s/ .*//') ;;
        ?*) words=$(printf '%s\n' "$line" | grep -oE '[a-z0-9]+(\|[a-z0-9]+)+' | tr '|' ' ') ;;
        *)
            case $current in
                -*) words=$(_litetts_options "$command" | grep -oE -- '^ +(-., )?--[a-z-]+' | sed 's/.* //') ;;
            esac ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -o default -F _litetts litetts
