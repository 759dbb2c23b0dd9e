# Completion of litetts for bash.

_litetts_voices() {
    litetts voices --json 2>/dev/null | sed -n 's/^ *"name": "\(.*\)",\{0,1\}$/\1/p'
}

_litetts() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words=
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ] || { [ "$COMP_CWORD" -eq 2 ] && [ "$command" = help ]; }; then
        words="say voices serve doctor"
        [ "$COMP_CWORD" -eq 1 ] && words="$words help --help --version"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
        return
    fi
    case $previous in
        -o|--output|-f|--file|--config)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return ;;
        -v|--voice) words=$(_litetts_voices) ;;
        --format) words="wav pcm mp3 opus flac aac" ;;
        --input) words="text phonemes ssml" ;;
        --log-level) words="debug info warning error" ;;
        --log-format) words="text json" ;;
        *)
            case $command in
                say) words="--output --format --play --device --file --voice --speed --volume --seed --input --phonemes --quiet
                    --verbose --stats" ;;
                voices|doctor) words="--json" ;;
                serve) words="--host --port --api-key --cors-origins --max-concurrent --max-queue --max-connections
                    --max-body-bytes --max-text-characters --read-timeout --write-timeout --grace --voice --threads
                    --log-level --log-format" ;;
            esac
            words="$words --config --set --help"
            case $current in -*) ;; *) words= ;; esac ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -o default -F _litetts litetts
