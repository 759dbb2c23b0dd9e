# Completion of litetts for fish. Commands, options and their values come from --help, so they are always those of the
# program that is installed.

# The options of a command, one a line, with their explanation.
function __litetts_options
    litetts $argv[1] --help 2>/dev/null | sed -n '/^Options:/,/^$/p' | sed ':a;N;$!ba;s/\n \{10,\}/  /g' | grep -- --
end

function __litetts_commands
    litetts --help 2>/dev/null | string match -rg '^  ([a-z]+)  +(.*)' | paste - -
end

function __litetts_complete
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    set -l command $typed[2]
    if test (count $typed) -eq 1; or test (count $typed) -eq 2 -a "$command" = help
        __litetts_commands
        test (count $typed) -eq 1; and printf '%s\n' 'help	Explain a command' '--help	Show all commands' '--version	Print the version'
        return
    end
    set -l previous $typed[-1]
    set -l line
    if string match -q -- '-*' $previous
        set line (__litetts_options $command | string match -r -- "^ +(?:-., )?$previous [A-Z].*|^ +$previous, --[a-z-]+ [A-Z].*")
    end
    set -l value (string match -rg -- '^ +(?:-., )?--[a-z-]+ (\S+)' "$line")
    if string match -qr 'FILE|DIR|\.' -- "$value"
        __fish_complete_path $current
    else if test "$value" = VOICE
        litetts voices 2>/dev/null | string match -rg '^([a-z]\S*)'
    else if test -n "$line"
        string match -rg '([a-z0-9]+(?:\|[a-z0-9]+)+)' -- "$line" | string split '|'
    else if string match -q -- '-*' $current
        __litetts_options $command | sed 's/^ *\(-., \)\{0,1\}\(--[a-z-]*\)\( [^ ]\{1,\}\)\{0,1\}   */\2\t/; s/  */ /g'
    else
        __fish_complete_path $current
    end
end

complete -c litetts -f -a '(__litetts_complete)'
