/** Names in daily use that differ from IANA's; accepted where a port may be named, never printed. */
const aliases: Readonly<Record<string, number>> = {
  auth: 113,
  dns: 53,
  imap2: 143,
  'iso-ts': 102,
  jabber: 5222,
  kerberos5: 88,
  memcached: 11211,
  mssql: 1433,
  netbios: 139,
  oracle: 1521,
  'pop-3': 110,
  portmapper: 111,
  postgres: 5432,
  rdp: 3389,
  rpcbind: 111,
  smb: 445,
  smtps: 465,
  subversion: 3690,
  vnc: 5900,
  whois: 43,
  www: 80,
  zookeeper: 2181,
}

/**
 * Names of TCP services by port, as IANA registers them (Service Name and Transport Protocol Port Number Registry, whose
 * contents IANA dedicates to the public domain, CC0 1.0). Only names of services that a scan is likely to meet are
 * listed. What is registered for a port need not be what answers on it: every name is a guess by number.
 */
const registeredServices = `
  1 tcpmux, 2 compressnet, 5 rje, 7 echo, 9 discard, 11 systat, 13 daytime, 17 qotd, 19 chargen, 20 ftp-data, 21 ftp,
  22 ssh, 23 telnet, 25 smtp, 27 nsw-fe, 29 msg-icp, 31 msg-auth, 33 dsp, 37 time, 38 rap, 39 rlp, 41 graphics,
  42 name, 43 nicname, 44 mpm-flags, 45 mpm, 46 mpm-snd, 48 auditd, 49 tacacs, 50 re-mail-ck, 52 xns-time, 53 domain,
  54 xns-ch, 55 isi-gl, 56 xns-auth, 58 xns-mail, 62 acas, 63 whoispp, 64 covia, 65 tacacs-ds, 66 sql-net, 67 bootps,
  68 bootpc, 69 tftp, 70 gopher, 71 netrjs-1, 72 netrjs-2, 73 netrjs-3, 74 netrjs-4, 76 deos, 78 vettcp, 79 finger,
  80 http, 82 xfer, 83 mit-ml-dev, 84 ctf, 86 mfcobol, 88 kerberos, 89 su-mit-tg, 90 dnsix, 91 mit-dov, 92 npp, 93 dcp,
  94 objcall, 95 supdup, 96 dixie, 97 swift-rvf, 98 tacnews, 99 metagram, 101 hostname, 102 iso-tsap, 104 acr-nema,
  105 cso, 107 rtelnet, 108 snagas, 109 pop2, 110 pop3, 111 sunrpc, 112 mcidas, 113 ident, 115 sftp, 116 ansanotify,
  117 uucp-path, 118 sqlserv, 119 nntp, 120 cfdptkt, 121 erpc, 122 smakynet, 123 ntp, 124 ansatrader, 125 locus-map,
  126 nxedit, 127 locus-con, 128 gss-xlicen, 129 pwdgen, 130 cisco-fna, 131 cisco-tna, 132 cisco-sys, 133 statsrv,
  134 ingres-net, 135 epmap, 136 profile, 137 netbios-ns, 138 netbios-dgm, 139 netbios-ssn, 143 imap, 144 uma,
  150 sql-net, 152 bftp, 153 sgmp, 156 sqlsrv, 158 pcmail-srv, 160 sgmp-traps, 161 snmp, 162 snmptrap, 163 cmip-man,
  164 cmip-agent, 170 print-srv, 174 mailq, 177 xdmcp, 179 bgp, 180 ris, 190 gacp, 191 prospero, 192 osu-nms, 193 srmp,
  194 irc, 199 smux, 200 src, 201 at-rtmp, 202 at-nbp, 204 at-echo, 206 at-zis, 209 qmtp, 210 z39.50, 213 ipx, 218 mpp,
  220 imap3, 245 link, 259 esro-gen, 262 arcisdms, 264 bgmp, 280 http-mgmt, 308 novastorbakcup, 311 asip-webadmin,
  318 pkix-timestamp, 319 ptp-event, 320 ptp-general, 345 pawserv, 346 zserv, 350 matip-type-a, 351 matip-type-b,
  369 rpc2portmap, 370 codaauth2, 371 clearcase, 383 hp-alarm-mgr, 384 arns, 387 aurp, 389 ldap, 396 netware-ip,
  399 iso-tsap-c2, 401 ups, 402 genie, 406 imsp, 407 timbuktu, 411 rmt, 412 synoptics-trap, 427 svrloc, 433 nnsp,
  434 mobileip-agent, 435 mobilip-mn, 443 https, 444 snpp, 445 microsoft-ds, 464 kpasswd, 465 submissions,
  475 tcpnethaspsrv, 487 saft, 491 go-login, 497 retrospect, 500 isakmp, 502 mbap, 504 citadel, 510 fcp, 512 exec,
  513 login, 514 shell, 515 printer, 517 talk, 518 ntalk, 519 utime, 520 efs, 521 ripng, 524 ncp, 525 timed,
  530 courier, 531 conference, 532 netnews, 533 netwall, 538 gdomap, 540 uucp, 541 uucp-rlogin, 543 klogin, 544 kshell,
  545 appleqtcsrvr, 546 dhcpv6-client, 547 dhcpv6-server, 548 afpovertcp, 550 new-rwho, 554 rtsp, 556 remotefs,
  560 rmonitor, 561 monitor, 563 nntps, 587 submission, 591 http-alt, 593 http-rpc-epmap, 601 syslog-conn, 604 tunnel,
  607 nqs, 615 sco-inetmgr, 623 oob-ws-http, 624 cryptoadmin, 628 qmqp, 631 ipp, 636 ldaps, 639 msdp, 641 repcmd,
  646 ldp, 647 dhcp-failover, 648 rrp, 651 ieee-mms, 653 repscmd, 654 aodv, 655 tinc, 657 rmc, 660 mac-srvr-admin,
  664 oob-ws-https, 666 doom, 674 acap, 688 realm-rusd, 690 vatp, 691 msexch-routing, 695 ieee-mms-ssl, 698 olsr,
  699 accessnetwork, 700 epp, 701 lmp, 702 iris-beep, 705 agentx, 706 silc, 711 cisco-tdp, 712 tbrpf, 713 iris-xpc,
  714 iris-xpcs, 715 iris-lwz, 749 kerberos-adm, 753 rrh, 754 tell, 765 webster, 767 phonebook, 769 vid, 775 entomb,
  777 multiling-http, 800 mdbs_daemon, 802 mbap-s, 830 netconf-ssh, 831 netconf-beep, 832 netconfsoaphttp,
  833 netconfsoapbeep, 847 dhcp-failover2, 848 gdoi, 853 domain-s, 854 dlep, 860 iscsi, 861 owamp-control,
  862 twamp-control, 873 rsync, 886 iclcnet-locate, 888 accessbuilder, 900 omginitialrefs, 901 smpnameres,
  902 ideafarm-door, 903 ideafarm-panic, 910 kink, 911 xact-backup, 912 apex-mesh, 913 apex-edge, 989 ftps-data,
  990 ftps, 991 nas, 992 telnets, 993 imaps, 995 pop3s, 996 vsinet, 997 maitrd, 998 busboy, 999 garcon, 1000 cadlock2,
  1001 webpush, 1010 surf, 1021 exp1, 1022 exp2, 1025 blackjack, 1026 cap, 1029 solid-mux, 1033 netinfo-local,
  1058 nim, 1059 nimreg, 1080 socks, 1085 webobjects, 1090 ff-fms, 1093 proofd, 1094 rootd, 1099 rmiregistry,
  1110 webadmstart, 1113 ltp-deepspace, 1167 cisco-ipsla, 1194 openvpn, 1214 kazaa, 1234 search-agent, 1241 nessus,
  1270 opsmgr, 1293 pkt-krb-ipsec, 1300 h323hostcallsc, 1311 rxmon, 1337 menandmice-dns, 1344 icap, 1352 lotusnote,
  1414 ibm-mqseries, 1417 timbuktu-srv1, 1433 ms-sql-s, 1434 ms-sql-m, 1494 ica, 1503 imtc-mcs, 1512 wins,
  1521 ncube-lm, 1524 ingreslock, 1533 virtual-places, 1547 laplink, 1581 mil-2045-47001, 1604 icabrowser,
  1645 sightline, 1646 sa-msg-port, 1649 kermit, 1666 netview-aix-6, 1677 groupwise, 1701 l2tp, 1716 xmsg,
  1718 h323gatedisc, 1719 h323gatestat, 1720 h323hostcall, 1723 pptp, 1755 ms-streaming, 1761 cft-0, 1801 msmq,
  1812 radius, 1813 radius-acct, 1863 msnp, 1880 vsat-control, 1883 mqtt, 1900 ssdp, 1935 macromedia-fcs,
  1967 sns-quote, 1984 bb, 1985 hsrp, 1994 stun-port, 1998 x25-svc-port, 2000 cisco-sccp, 2049 nfs, 2053 lot105-ds-upd,
  2082 infowave, 2083 radsec, 2086 gnunet, 2087 eli, 2095 nbx-ser, 2096 nbx-dir, 2101 rtcm-sc104, 2102 zephyr-srv,
  2103 zephyr-clt, 2104 zephyr-hm, 2105 minipay, 2119 gsigatekeeper, 2135 gris, 2152 gtp-user, 2181 eforward,
  2222 EtherNet-IP-1, 2301 cpq-wbem, 2375 docker, 2376 docker-s, 2377 swarm, 2379 etcd-client, 2380 etcd-server,
  2381 compaq-https, 2401 cvspserver, 2427 mgcp-gateway, 2430 venus, 2431 venus-se, 2432 codasrv, 2433 codasrv-se,
  2483 ttc, 2484 ttc-ssl, 2512 citrixima, 2513 citrixadmin, 2525 ms-v-worlds, 2583 mon, 2598 citriximaclient,
  2605 nsc-posa, 2628 dict, 2638 sybaseanywhere, 2727 mgcp-callagent, 2775 smpp, 2792 f5-globalsite, 2809 corbaloc,
  2811 gsiftp, 2869 icslap, 2944 megaco-h248, 2945 h248-binary, 2947 gpsd, 2948 wap-push, 2967 ssc-agent, 3000 hbci,
  3020 cifs, 3050 gds-db, 3074 xbox, 3101 hp-pxpib, 3128 ndl-aas, 3130 icpv2, 3225 fcip-port, 3260 iscsi-target,
  3268 msft-gc, 3269 msft-gc-ssl, 3283 net-assistant, 3299 pdrncs, 3306 mysql, 3310 dyna-access, 3333 dec-notes,
  3343 ms-cluster-net, 3386 gprs-data, 3388 cbserver, 3389 ms-wbt-server, 3390 dsc, 3396 printer-agent, 3420 ifcp-port,
  3455 prsvp, 3456 vat, 3478 stun, 3493 nut, 3527 beserver-msg-q, 3632 distcc, 3689 daap, 3690 svn, 3702 ws-discovery,
  3784 bfd-control, 3868 diameter, 3869 ovsam-mgmt, 3880 igrs, 4000 terabase, 4045 npp, 4070 tripe, 4111 xgrid,
  4190 sieve, 4321 rwhois, 4353 f5-iquery, 4369 epmd, 4373 remctl, 4443 pharos, 4444 krb524, 4460 ntske,
  4500 ipsec-nat-t, 4569 iax, 4662 oms, 4689 altovacentral, 4691 mtn, 4711 trinity-dist, 4739 ipfix, 4740 ipfixs,
  4786 smart-install, 4840 opcua-tcp, 4843 opcua-tls, 4848 appserv-http, 4899 radmin-port, 4950 sybasesrvmon,
  5000 commplex-main, 5001 commplex-link, 5002 rfe, 5003 fmpro-internal, 5004 avt-profile-1, 5005 avt-profile-2,
  5009 winfs, 5010 telelpathstart, 5050 mmcc, 5051 ita-agent, 5060 sip, 5061 sips, 5084 llrp, 5085 encrypted-llrp,
  5093 sentinel-lm, 5120 barracuda-bbs, 5150 atmp, 5190 aol, 5222 xmpp-client, 5223 hpvirtgrp, 5269 xmpp-server,
  5280 xmpp-bosh, 5298 presence, 5308 cfengine, 5349 stuns, 5352 dns-llq, 5353 mdns, 5355 llmnr, 5357 wsdapi,
  5358 wsdapi-s, 5402 mftp, 5405 netsupport, 5432 postgresql, 5500 fcp-addr-srvr1, 5550 cbus, 5555 personal-agent,
  5556 freeciv, 5568 sdt, 5601 esmagent, 5631 pcanywheredata, 5632 pcanywherestat, 5666 nrpe, 5671 amqps, 5672 amqp,
  5683 coap, 5684 coaps, 5722 msdfsr, 5723 omhs, 5724 omsdk, 5900 rfb, 5984 couchdb, 5985 wsman, 5986 wsmans,
  5988 wbem-http, 5989 wbem-https, 5990 wbem-exp-https, 6000 x11, 6100 synchronet-db, 6112 dtspcd, 6123 backup-express,
  6346 gnutella-svc, 6347 gnutella-rtr, 6379 redis, 6389 clariion-evr01, 6432 pgbouncer, 6443 sun-sr-https,
  6444 sge_qmaster, 6445 sge_execd, 6446 mysql-proxy, 6481 servicetags, 6513 netconf-tls, 6514 syslog-tls,
  6543 lds-distrib, 6556 checkmk-agent, 6566 sane-port, 6600 mshvlm, 6602 wsscomfrmwk, 6622 mcftp, 6653 openflow,
  6665 ircu, 6697 ircs-u, 6714 ibprotocol, 6771 plysrv-https, 6888 muse, 7000 afs3-fileserver, 7001 afs3-callback,
  7002 afs3-prserver, 7003 afs3-vlserver, 7004 afs3-kaserver, 7005 afs3-volser, 7070 arcp, 7100 font-service,
  7200 fodms, 7272 watchme-7272, 7400 rtps-discovery, 7443 oracleas-https, 7474 neo4j, 7547 cwmp, 7627 soap-http,
  7680 ms-do, 7687 bolt, 7777 cbt, 7778 interwise, 7878 owms, 7999 irdmi2, 8000 irdmi, 8001 vcom-tunnel,
  8002 teradataordbms, 8005 mxi, 8008 http-alt, 8009 nvme-disc, 8021 intu-ec-client, 8042 fs-agent, 8080 http-alt,
  8081 sunproxyadmin, 8082 us-cli, 8083 us-srv, 8086 d-s-n, 8087 simplifymedia, 8088 radan-http, 8090 opsmessaging,
  8091 jamlink, 8097 sac, 8118 privoxy, 8121 apollo-data, 8140 puppet, 8181 intermapper, 8191 limnerpressure,
  8200 trivnet1, 8243 synapse-nhttps, 8280 synapse-nhttp, 8300 tmi, 8301 amberon, 8400 cvd, 8443 pcsync-https,
  8444 pcsync-http, 8500 fmtp, 8600 asterix, 8686 sun-as-jmxrmi, 8778 uec, 8880 cddbp-alt, 8883 secure-mqtt,
  8888 ddi-tcp-1, 8889 ddi-tcp-2, 8890 ddi-tcp-3, 8899 ospf-lite, 8953 ub-dns-control, 8989 sunwebadmins,
  8990 http-wmap, 8991 https-wmap, 9000 cslistener, 9001 etlservicemgr, 9002 dynamid, 9009 pichat, 9050 versiera,
  9080 glrpc, 9083 emc-pp-mgmtsvc, 9084 aurora, 9087 classic, 9090 websm, 9091 xmltec-xmlmail, 9092 XmlIpcRegSvc,
  9100 pdl-datastream, 9101 bacula-dir, 9102 bacula-fd, 9103 bacula-sd, 9119 mxit, 9160 apani1, 9200 wap-wsp,
  9292 armtechdaemon, 9300 vrace, 9306 sphinxql, 9312 sphinxapi, 9389 adws, 9418 git, 9443 tungsten-https,
  9500 ismserver, 9535 mngsuite, 9593 cba8, 9594 msgsys, 9595 pds, 9600 micromuse-ncpw, 9618 condor, 9695 ccnx,
  9800 davsrc, 9802 davsrcs, 9875 sapv1, 9898 monkeycom, 9900 iua, 9987 dsm-scm-target, 9988 nsesrvr, 9990 osm-appsrvr,
  9993 palace-2, 9994 palace-3, 9998 distinct32, 9999 distinct, 10000 ndmp, 10001 scp-config, 10050 zabbix-agent,
  10051 zabbix-trapper, 10080 amanda, 10110 nmea-0183, 10161 snmptls, 10162 snmptls-trap, 10260 axis-wimp-port,
  10809 nbd, 11000 irisa, 11001 metasys, 11111 vce, 11112 dicom, 11211 memcache, 11371 hkp, 12000 entextxid,
  12345 italk, 13720 bprd, 13721 bpdbm, 13722 bpjava-msvc, 13724 vnetd, 13782 bpcd, 13783 vopied, 13785 nbdb,
  14000 scotty-ft, 15000 hydap, 15345 xpilot, 16992 amt-soap-http, 16993 amt-soap-https, 16994 amt-redir-tcp,
  16995 amt-redir-tls, 17007 isode-dua, 17500 db-lsp, 18000 biimenu, 19283 keysrvr, 19315 keyshadow, 19540 sxuptp,
  19999 dnp-sec, 20000 dnp, 20048 mountd, 20202 ipdtp-port, 22125 dcap, 22128 gsidcap, 22273 wnn6, 23456 aequus,
  24000 med-ltp, 24465 tonidods, 24554 binkp, 24677 flashfiler, 26000 quake, 26208 wnn6-ds, 27017 mongodb,
  27345 imagepump, 27999 tw-auth-key, 28000 nxlmd, 29167 otmp, 31457 tetrinet, 32400 plex, 32767 filenet-powsrm,
  32768 filenet-tms, 32769 filenet-rpc, 32770 filenet-nch, 33434 traceroute, 34962 profinet-rt, 34963 profinet-rtm,
  34964 profinet-cm, 36865 kastenxpipe, 38201 galaxy7-data, 40000 safetynetp, 41794 crestron-cip, 41795 crestron-ctp,
  44818 EtherNet-IP-2, 45678 eba, 47001 winrm, 47557 dbbrowse, 47808 bacnet, 48000 nimcontroller, 48556 com-bardac-dw,
  49150 inspider
`

const nameOf = new Map<number, string>()
const portOf = new Map<string, number>()
for (const entry of registeredServices.trim().split(/,\s+/)) {
  const [port, name] = entry.split(' ')
  if (port === undefined || name === undefined) continue
  nameOf.set(Number(port), name)
  // A name registered twice means its lower port: `http-alt` is found on 591, 8008 and 8080.
  if (!portOf.has(name.toLowerCase())) portOf.set(name.toLowerCase(), Number(port))
}

/** The service IANA registers for a TCP port: a guess by number, not what was heard there. */
export function serviceName(port: number): string | undefined {
  return nameOf.get(port)
}

/** The port of a service, by IANA's name or one in daily use; letter case does not matter. */
export function servicePort(name: string): number | undefined {
  const word = name.toLowerCase()
  return portOf.get(word) ?? (Object.hasOwn(aliases, word) ? aliases[word] : undefined)
}

/** Every port with a name, ascending. */
export function namedPorts(): readonly number[] {
  return [...nameOf.keys()].sort((a, b) => a - b)
}
