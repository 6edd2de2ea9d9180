%% A peer in Erlang's own terms: each line of standard input is sent as a frame, each frame received is printed as a line.

main([Host, Port]) ->
    {ok, Address} = inet:parse_address(Host),
    Options = [binary, {packet, 4}, {active, true}],
    {ok, Socket} = gen_tcp:connect(Address, list_to_integer(Port), Options),
    ok = io:setopts([binary, {encoding, unicode}]),
    Talk = self(),
    spawn_link(fun() -> type(Talk) end),
    talk(Socket).

type(Talk) ->
    case io:get_line("") of
        eof -> ok;
        Line ->
            Talk ! {typed, string:trim(Line, trailing, "\n")},
            type(Talk)
    end.

talk(Socket) ->
    receive
        {typed, Line} ->
            ok = gen_tcp:send(Socket, Line),
            talk(Socket);
        {tcp, Socket, Frame} ->
            io:put_chars([Frame, $\n]),
            talk(Socket);
        {tcp_closed, Socket} ->
            ok
    end.
