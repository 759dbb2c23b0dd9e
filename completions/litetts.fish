# Completion of litetts for fish.

function __litetts_voices
    litetts voices --json 2>/dev/null | string match -rg '^ *"name": "(.*)",?$'
end

set -l commands say voices serve doctor help
set -l none "not __fish_seen_subcommand_from $commands"

complete -c litetts -f
complete -c litetts -n $none -a say -d 'Speak text to a file, a pipe or the loudspeaker'
complete -c litetts -n $none -a voices -d 'List the voices'
complete -c litetts -n $none -a serve -d 'Serve the text-to-speech API over HTTP'
complete -c litetts -n $none -a doctor -d 'Show this installation and what is wrong with it'
complete -c litetts -n $none -a help -d 'Explain a command'
complete -c litetts -n $none -l version -d 'Print the version'
complete -c litetts -n '__fish_seen_subcommand_from help' -a 'say voices serve doctor'

complete -c litetts -s h -l help -d 'Show help'
complete -c litetts -n "not $none" -l config -r -F -d 'Read the settings from a file'
complete -c litetts -n "not $none" -l set -x -d 'Set any setting, KEY=VALUE'

set -l say '__fish_seen_subcommand_from say'
complete -c litetts -n $say -s o -l output -r -F -d 'Write to a file'
complete -c litetts -n $say -l format -x -a 'wav pcm mp3 opus flac aac' -d 'Format of the audio'
complete -c litetts -n $say -s p -l play -d 'Play on the default audio device'
complete -c litetts -n $say -l device -x -d 'Play on this ALSA device'
complete -c litetts -n $say -s f -l file -r -F -d 'Speak the text in a file'
complete -c litetts -n $say -s v -l voice -x -a '(__litetts_voices)' -d 'Voice or blend'
complete -c litetts -n $say -s s -l speed -x -d 'How fast, 0.25 to 4'
complete -c litetts -n $say -l volume -x -d 'How loud, 0 to 4'
complete -c litetts -n $say -l seed -x -d 'Seed of the noise'
complete -c litetts -n $say -l input -x -a 'text phonemes ssml' -d 'What the text is'
complete -c litetts -n $say -l phonemes -x -d 'Speak these phonemes'
complete -c litetts -n $say -s q -l quiet -d 'No progress bar and no summary'
complete -c litetts -n $say -l verbose -d 'Always print a summary'
complete -c litetts -n $say -l stats -d 'Print what it cost as JSON'

complete -c litetts -n '__fish_seen_subcommand_from voices doctor' -l json -d 'Print JSON'

set -l serve '__fish_seen_subcommand_from serve'
complete -c litetts -n $serve -l host -x -d 'Address to listen on'
complete -c litetts -n $serve -s p -l port -x -d 'TCP port'
complete -c litetts -n $serve -l api-key -x -d 'Key that clients must send'
complete -c litetts -n $serve -l cors-origins -x -d 'Origins that browsers may call from'
complete -c litetts -n $serve -l max-concurrent -x -d 'Requests spoken at once'
complete -c litetts -n $serve -l max-queue -x -d 'Requests that wait'
complete -c litetts -n $serve -l max-connections -x -d 'Connections open at once'
complete -c litetts -n $serve -l max-body-bytes -x -d 'Largest request body'
complete -c litetts -n $serve -l max-text-characters -x -d 'Longest text of a request'
complete -c litetts -n $serve -l read-timeout -x -d 'Time to send a request'
complete -c litetts -n $serve -l write-timeout -x -d 'Time to accept bytes'
complete -c litetts -n $serve -l grace -x -d 'Time to finish after SIGTERM'
complete -c litetts -n $serve -s v -l voice -x -a '(__litetts_voices)' -d 'Default voice'
complete -c litetts -n $serve -s t -l threads -x -d 'Worker threads'
complete -c litetts -n $serve -l log-level -x -a 'debug info warning error' -d 'Least severe events'
complete -c litetts -n $serve -l log-format -x -a 'text json' -d 'Form of the log'
