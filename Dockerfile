# The standalone binary on a small Debian. Make the binary first: npm run package
#
#   docker build -t netlab .
#   docker run --rm --memory 768m -p 9090:9090 -v netlab:/data netlab serve auth --port 9090
#
# An image can't bound its memory, so --memory does; netlab reads the bound and holds less for its clients where it is small.
#
# TARGET picks another binary of dist/, such as linux-arm64.
FROM debian:stable-slim
ARG TARGET=linux-x64

COPY dist/netlab-${TARGET} /usr/local/bin/netlab

# Logs, users.json and netlab.db are kept where netlab stands: in the volume, which belongs to the user it runs as.
RUN echo 'netlab:x:10001:' >> /etc/group \
 && echo 'netlab:x:10001:10001::/data:/usr/sbin/nologin' >> /etc/passwd \
 && mkdir -m 0700 /data \
 && chown 10001:10001 /data
# What threads give back goes to the system, and is not kept in an arena for each of them.
ENV MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=131072
USER 10001:10001
WORKDIR /data
VOLUME /data

# echo, ident, auth, chat, and chat over UDP
EXPOSE 9007 9113 9090 9194 9195/udp

# Healthy is a container whose server answers its operator: whatever is served, on whatever port.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD netlab control status --timeout 4s

STOPSIGNAL SIGTERM
ENTRYPOINT ["netlab"]
CMD ["--help"]
