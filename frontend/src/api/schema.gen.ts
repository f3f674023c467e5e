/* Written by `make web-types` from the OpenAPI document. Do not edit. */
export interface paths {
    "/account/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Keys
         * @description Needs the role viewer.
         */
        get: operations["listOwnKeys"];
        put?: never;
        /**
         * Create Key
         * @description Make a key that acts with the caller's role, as far as its `scope` goes: `read`, `submit` (and read), or `admin`
         *     (all that the caller may; the default). Its text is shown only in this reply.
         *
         *     Needs a login, or an API key of scope admin.
         */
        post: operations["createOwnKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/account/api-keys/{key_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete Key
         * @description Needs a login, or an API key of scope admin.
         */
        delete: operations["deleteOwnKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/account/details": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Details
         * @description Who am I?
         *
         *     Needs the role viewer.
         */
        get: operations["getOwnAccount"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/account/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change Password
         * @description Set a new password. Every login token and every browser's session from before is void; the reply holds a
         *     new token, and a browser that calls gets new cookies.
         *
         *     Needs a login, or an API key of scope admin.
         */
        post: operations["changeOwnPassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/attention": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Attention
         * @description What will not come right by itself: lost nodes, unhealthy GPUs, disks that are nearly full, waiting jobs that can
         *     never run (members: their own), paused queues in which jobs wait, keys that expire (one's own; for administrators
         *     also those of clusters).
         *
         *     Needs the role viewer.
         */
        get: operations["getAttention"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Login
         * @description Sign in with name and password for a token that is good for some hours.
         */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Logout
         * @description Go to the start page. Tokens are not kept by the server; forgetting one is signing out.
         */
        get: operations["logout"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/policy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Policy
         * @description What a page for signing in has to know before anybody has signed in.
         */
        get: operations["getSignInPolicy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Session
         * @description Who am I, and until when is the credential of this call good?
         *
         *     Needs the role viewer.
         */
        get: operations["getSession"];
        put?: never;
        /**
         * Open Session
         * @description Sign a browser in with name and password: sets the cookies `lilac_session`, good for minutes and for every call
         *     of this server's own pages, and `lilac_refresh`, which renews it. Neither can be read by scripts.
         */
        post: operations["openSession"];
        /**
         * Close Session
         * @description Sign the browser out: the session is over at once, here and wherever its cookies may have been copied to.
         */
        delete: operations["closeSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/session/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Renew Session
         * @description Renew the cookie `lilac_session` by `lilac_refresh`, before or after it has expired.
         */
        post: operations["renewSession"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/signup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign Up
         * @description Make an account for oneself, where the server allows it.
         */
        post: operations["signUp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clusters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Clusters
         * @description Needs the role viewer.
         */
        get: operations["listClusters"];
        put?: never;
        /**
         * Create Cluster
         * @description Needs the role admin.
         */
        post: operations["createCluster"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clusters/{cluster}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Cluster
         * @description Needs the role viewer.
         */
        get: operations["getCluster"];
        put?: never;
        post?: never;
        /**
         * Delete Cluster
         * @description Delete a cluster with its keys and lost nodes; 409 while live nodes or running jobs are in it.
         *
         *     Needs the role admin.
         */
        delete: operations["deleteCluster"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clusters/{cluster}/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Cluster Keys
         * @description Needs the role admin.
         */
        get: operations["listClusterKeys"];
        put?: never;
        /**
         * Create Cluster Key
         * @description Make a key for the agents of the cluster's nodes. Its text is shown only in this reply.
         *
         *     Needs the role admin.
         */
        post: operations["createClusterKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clusters/{cluster}/api-keys/{key_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete Cluster Key
         * @description Needs the role admin.
         */
        delete: operations["deleteClusterKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clusters/{cluster}/info": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Cluster Info
         * @description What the cluster has and what of it is in use. Lost nodes do not count.
         *
         *     Needs the role viewer.
         */
        get: operations["getClusterInfo"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clusters/{cluster}/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Cluster Jobs
         * @description The newest jobs (at most 1,000) whose first replica is or was on a node of the cluster.
         *
         *     Needs the role viewer.
         */
        get: operations["listClusterJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clusters/{cluster}/nodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Cluster Nodes
         * @description Needs the role viewer.
         */
        get: operations["listClusterNodes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clusters/{cluster}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Cluster Usage
         * @description What the cluster's nodes use together over time and what jobs were given of them, beside what they have.
         *
         *     Needs the role viewer.
         */
        get: operations["get_cluster_usage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Events
         * @description The events after `after` that the caller may see, oldest first; without `after` the newest, still oldest first.
         *
         *     `next` is what to give as `after` for the following page, null on the last one. To page back from the newest, give
         *     the number of the first event as `before`; an empty page is the end. With `Accept: text/event-stream`
         *     the reply is a stream that goes on: from `Last-Event-ID` or `after`, else from now on.
         *
         *     Needs the role viewer.
         */
        get: operations["listEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Health
         * @description The process lives.
         */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Ready
         * @description The server can take work: 200, or 503 while it starts or stops. `leader` tells whether it is the one of several
         *     replicas that schedules; each serves all routes.
         */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Metrics
         * @description Figures for Prometheus, as text; see the reference of metrics. The setting `metrics_access` says who may ask.
         *
         *     Needs the role viewer.
         */
        get: operations["get_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/{node_id}/logs/{job_id}/{attempt}/{rank}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Append Output
         * @description Append output of a replica; `offset` is where the body begins in the whole of it.
         *
         *     Needs a key of the node's cluster.
         */
        post: operations["append_replica_output"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/{node_id}/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Report Status
         * @description Tell the machine and every replica on it; get the full list of replicas that it should hold.
         *
         *     Needs a key of the node's cluster.
         */
        post: operations["report_node_status"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/{node_id}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Report Usage
         * @description Tell what the machine and its replicas use; the reply says after how many seconds to tell again.
         *
         *     Needs a key of the node's cluster.
         */
        post: operations["report_node_usage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/nodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Nodes
         * @description The nodes of all clusters.
         *
         *     Needs the role viewer.
         */
        get: operations["listNodes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/nodes/{node}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Node
         * @description Needs the role viewer.
         */
        get: operations["getNode"];
        put?: never;
        post?: never;
        /**
         * Remove Node
         * @description Forget a lost node; 409 for any other.
         *
         *     Needs the role admin.
         */
        delete: operations["removeNode"];
        options?: never;
        head?: never;
        /**
         * Edit Node
         * @description Set labels of a node; they go over those that its agent tells, and jobs can select nodes by them.
         *
         *     Needs the role admin.
         */
        patch: operations["editNode"];
        trace?: never;
    };
    "/nodes/{node}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Drain Node
         * @description Give the node nothing new. What runs on it goes on, or is stopped and queued again at the deadline.
         *
         *     Needs the role admin.
         */
        post: operations["drainNode"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/nodes/{node}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Node Events
         * @description The history of the node, in pages as at `/events`.
         *
         *     Needs the role viewer.
         */
        get: operations["listNodeEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/nodes/{node}/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Node Jobs
         * @description The jobs that run or ran on the node and that the caller may see, newest first.
         *
         *     Needs the role viewer.
         */
        get: operations["listNodeJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/nodes/{node}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resume Node
         * @description Let a draining node take work again.
         *
         *     Needs the role admin.
         */
        post: operations["resumeNode"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/nodes/{node}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Node Usage
         * @description What the whole machine uses over time, jobs or not, and what jobs were given of it.
         *
         *     Needs the role viewer.
         */
        get: operations["get_node_usage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Overview
         * @description Jobs that wait and run and those that ended in the last 24 hours (members: their own), nodes, and what they
         *     have.
         *
         *     Needs the role viewer.
         */
        get: operations["getOverview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Plan
         * @description What the scheduler decided last, and why the first kinds of waiting jobs wait.
         *
         *     Needs the role admin.
         */
        get: operations["getPlan"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/plan/snapshot": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Snapshot
         * @description The whole state as the scheduler sees it, for `lilac replay`.
         *
         *     Needs the role admin.
         */
        get: operations["getSnapshot"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/queues": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Queues
         * @description All queues; the one that runs first, with the lowest priority number, comes first.
         *
         *     Needs the role viewer.
         */
        get: operations["listQueues"];
        put?: never;
        /**
         * Create Queue
         * @description Needs the role admin.
         */
        post: operations["createQueue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/queues/{queue}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Queue
         * @description Needs the role viewer.
         */
        get: operations["getQueue"];
        /**
         * Replace Queue
         * @description Replace name, priority and targets. What else a queue has stays as it is where it is left out.
         *
         *     Needs the role admin.
         */
        put: operations["replaceQueue"];
        post?: never;
        /**
         * Delete Queue
         * @description Delete a queue; 409 while jobs wait in it, unless they are to be cancelled. Jobs of it that run go on.
         *
         *     Needs the role admin.
         */
        delete: operations["deleteQueue"];
        options?: never;
        head?: never;
        /**
         * Edit Queue
         * @description Change some fields of a queue. The order of `cluster_targets` is the order of preference.
         *
         *     Needs the role admin.
         */
        patch: operations["editQueue"];
        trace?: never;
    };
    "/queues/{queue}/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Queue Jobs
         * @description The jobs that wait in the queue, the oldest first (the newest 1,000 of them).
         *
         *     Needs the role viewer.
         */
        get: operations["listQueueJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/queues/{queue}/line": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Line
         * @description The waiting jobs of a queue in turn (members: their own), with place, expected start, and why each waits.
         *
         *     Needs the role viewer.
         */
        get: operations["getLine"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/queues/{queue}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pause Queue
         * @description Start nothing more of this queue. What runs goes on.
         *
         *     Needs the role admin.
         */
        post: operations["pauseQueue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/queues/{queue}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resume Queue
         * @description Let jobs of a paused queue start again.
         *
         *     Needs the role admin.
         */
        post: operations["resumeQueue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/replicas": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Replicas
         * @description The live replicas of this control plane. `epoch` grows by one whenever another one takes the lead.
         *
         *     Needs the role admin.
         */
        get: operations["listReplicas"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secrets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Secrets
         * @description The names of one's own secrets and of the shared ones.
         *
         *     Needs the role member.
         */
        get: operations["listSecrets"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/secrets/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Set Secret
         * @description Keep a value under this name, instead of the one before. It counts for attempts that start from now on.
         *
         *     Needs the role member.
         */
        put: operations["setSecret"];
        post?: never;
        /**
         * Delete Secret
         * @description Forget a secret. Jobs that run keep what they were given; those that wait fail when they are to start.
         *
         *     Needs the role member.
         */
        delete: operations["deleteSecret"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/training_jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Jobs
         * @description Jobs, newest first, as far as the caller may see them. An array is one entry with its elements counted.
         *
         *     Needs the role viewer.
         */
        get: operations["list_jobs"];
        put?: never;
        /**
         * Submit
         * @description Submit a job, or an array of jobs.
         *
         *     Needs the role member.
         */
        post: operations["submit_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/training_jobs/{job_id}/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Set Status
         * @description Set a job's state by hand, within the state table: for jobs whose node cannot tell their end any more.
         *
         *     Needs the role admin.
         */
        patch: operations["set_job_status"];
        trace?: never;
    };
    "/training_jobs/{job}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Job
         * @description A job by id or name, with its attempts, its timings, and why it waits if it does.
         *
         *     Needs the role viewer.
         */
        get: operations["get_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Move
         * @description Give a waiting job another priority or another queue; it keeps its order of submission.
         *
         *     Needs the role member.
         */
        patch: operations["move_job"];
        trace?: never;
    };
    "/training_jobs/{job}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel
         * @description End a job. Its processes get SIGTERM, and SIGKILL after its grace period.
         *
         *     Needs the role member.
         */
        post: operations["cancel_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/training_jobs/{job}/elements": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Elements
         * @description The elements of an array by index, also those that have not begun.
         *
         *     Needs the role viewer.
         */
        get: operations["list_elements"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/training_jobs/{job}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Job Events
         * @description What happened to a job, oldest first.
         *
         *     Needs the role viewer.
         */
        get: operations["list_job_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/training_jobs/{job}/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Explain
         * @description Why a job waits, who holds what it needs, when it is expected to start, and what would start it now.
         *
         *     Needs the role viewer.
         */
        get: operations["explain_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/training_jobs/{job}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Logs
         * @description A job's output, as it was written. With `follow`, on and on until it is complete.
         *
         *     `X-Log-Offset` says where the reply begins, `X-Log-Size` how much was written, `X-Log-Complete` whether that is
         *     all. A reply without output that has `X-Log-Left-Out: 100-200` says that bytes 100 to 199 were not kept.
         *
         *     Needs the role viewer.
         */
        get: operations["read_job_logs"];
        put?: never;
        /**
         * Append Logs
         * @description Append text to the output of a job's last attempt, as the original route promises.
         *
         *     Needs the role member.
         */
        post: operations["append_job_logs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/training_jobs/{job}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Retry
         * @description Run a job that failed or was cancelled again, as a new job. Of an array: those elements that did.
         *
         *     Needs the role member.
         */
        post: operations["retry_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/training_jobs/{job}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Job Usage
         * @description What a job uses: CPU, memory and GPUs over time, for its last attempt or another, with peaks and means.
         *
         *     Needs the role viewer.
         */
        get: operations["get_job_usage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/training_jobs/{job}/wait": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Wait
         * @description The job, as soon as it has ended; as it is then, when the time is over before.
         *
         *     Needs the role viewer.
         */
        get: operations["wait_for_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/training_jobs/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Submit All
         * @description Submit many jobs: all of them are stored, or none. `after` may name another entry of the list as `#2`.
         *
         *     Needs the role member.
         */
        post: operations["submit_jobs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/training_jobs/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel All
         * @description End all jobs that are named or match. What has ended already is left as it is.
         *
         *     Needs the role member.
         */
        post: operations["cancel_jobs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/training_jobs/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Summary
         * @description How many jobs are in each state, of those that match. Every element of an array counts.
         *
         *     Needs the role viewer.
         */
        get: operations["summarize_jobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Users
         * @description Needs the role admin.
         */
        get: operations["listUsers"];
        put?: never;
        /**
         * Create User
         * @description Needs the role admin.
         */
        post: operations["createUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/{user}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get User
         * @description An account by id or name: one's own, or anybody's for administrators.
         *
         *     Needs the role viewer.
         */
        get: operations["getUser"];
        put?: never;
        post?: never;
        /**
         * Delete User
         * @description Delete an account with its keys; 409 while jobs of it wait or run, and for the last administrator.
         *
         *     Its ended jobs and the history stay.
         *
         *     Needs the role admin.
         */
        delete: operations["deleteUser"];
        options?: never;
        head?: never;
        /**
         * Change User
         * @description Change role, password or names, disable or enable. What is left out or null stays as it is.
         *
         *     Needs the role admin.
         */
        patch: operations["changeUser"];
        trace?: never;
    };
    "/users/{user}/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List User Keys
         * @description Needs the role admin.
         */
        get: operations["listUserKeys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/{user}/api-keys/{key_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete User Key
         * @description Take a key away from somebody. It stops working at once.
         *
         *     Needs the role admin.
         */
        delete: operations["deleteUserKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/version": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Version */
        get: operations["getVersion"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/volumes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Volumes
         * @description One's own volumes; administrators see everybody's.
         *
         *     Needs the role viewer.
         */
        get: operations["listVolumes"];
        put?: never;
        /**
         * Create Volume
         * @description Make a volume. Its data will be on the node of the first job that uses it.
         *
         *     Needs the role member.
         */
        post: operations["createVolume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/volumes/{volume}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Volume
         * @description A volume by name or id.
         *
         *     Needs the role viewer.
         */
        get: operations["getVolume"];
        put?: never;
        post?: never;
        /**
         * Delete Volume
         * @description Delete a volume that no live job uses. The agent of its node deletes the data, as soon as it can be reached.
         *
         *     Needs the role member.
         */
        delete: operations["deleteVolume"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/what-if": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * What If
         * @description Which waiting jobs would start earlier or later, and when a job would start, if something were different.
         *
         *     Nothing is changed. A job to be submitted is checked as at submission; of an array, its first element is told of,
         *     and jobs named in `after` count as ended. Times are the latest to expect: every job runs to its limit, and nobody
         *     makes room for another.
         *
         *     Needs the role viewer.
         */
        post: operations["whatIf"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** Amounts */
        Amounts: {
            /** Cpu Millicores */
            cpu_millicores: number;
            /** Gpus */
            gpus: number;
            /** Memory Mb */
            memory_mb: number;
        };
        /** AppendLogs */
        AppendLogs: {
            /** Logs */
            logs: string;
        };
        /** ArrayFacts */
        ArrayFacts: {
            counts: components["schemas"]["StateCounts"];
            /**
             * Indices
             * @example 0-9999
             */
            indices: string;
            /** Running Limit */
            running_limit: number | null;
            /** Size */
            size: number;
        };
        /** AttemptShape */
        AttemptShape: {
            /** Created At */
            created_at: string;
            /** Finished At */
            finished_at: string | null;
            /** Message */
            message: string | null;
            /** Number */
            number: number;
            reason: components["schemas"]["FailureReason"] | null;
            /** Replicas */
            replicas: components["schemas"]["JobReplicaShape"][];
            /** Size */
            size: number;
            /** Started At */
            started_at: string | null;
            state: components["schemas"]["AttemptState"];
        };
        /**
         * AttemptState
         * @description One try at running a job. At most one attempt of a job is starting or running.
         * @enum {string}
         */
        AttemptState: "starting" | "running" | "succeeded" | "failed" | "cancelled" | "lost" | "preempted";
        /** AttentionShape */
        AttentionShape: {
            /** At */
            at: string;
            /**
             * Expiring Keys
             * @description Within a week, or since less than a week.
             */
            expiring_keys: components["schemas"]["ExpiringKey"][];
            /** Lost Nodes */
            lost_nodes: components["schemas"]["LostNode"][];
            /** Low Disks */
            low_disks: components["schemas"]["LowDisk"][];
            /** Paused Queues */
            paused_queues: components["schemas"]["PausedQueue"][];
            /**
             * Stuck Jobs
             * @description Waiting jobs that can never run as things are.
             */
            stuck_jobs: components["schemas"]["StuckJob"][];
            /** Total */
            total: number;
            /** Unhealthy Gpus */
            unhealthy_gpus: components["schemas"]["UnhealthyGpu"][];
        };
        /** BlockedShape */
        BlockedShape: {
            code: components["schemas"]["ReasonCode"];
            /** Jobs */
            jobs: number;
            /** Message */
            message: string;
            /** Queue Id */
            queue_id: string;
        };
        /**
         * CancelJobs
         * @description Jobs by name, or by a filter.
         */
        CancelJobs: {
            /**
             * Jobs
             * @description Ids or names.
             */
            jobs?: string[] | null;
            where?: components["schemas"]["WhichJobs"] | null;
        };
        /** CancelledShape */
        CancelledShape: {
            /** Cancelled */
            cancelled: string[];
            /**
             * Ended
             * @description Had ended already.
             */
            ended: string[];
            /**
             * Unknown
             * @description Names that no job has.
             */
            unknown: string[];
        };
        /** ClusterIdShape */
        ClusterIdShape: {
            /** Cluster Id */
            cluster_id: string;
        };
        /** ClusterInfoShape */
        ClusterInfoShape: {
            /** Busy Nodes */
            busy_nodes: number;
            /** Cluster Description */
            cluster_description: string | null;
            /** Cluster Id */
            cluster_id: string;
            /** Cluster Name */
            cluster_name: string;
            cpu_info: components["schemas"]["CpuInfo"];
            /** Created At */
            created_at: string;
            gpu_info: components["schemas"]["GpuInfo"];
            job_info: components["schemas"]["JobInfo"];
            memory_info: components["schemas"]["MemoryInfo"];
            /** Total Nodes */
            total_nodes: number;
            /** Updated At */
            updated_at: string;
        };
        /** ClusterJobsShape */
        ClusterJobsShape: {
            /** Cluster Jobs */
            cluster_jobs: components["schemas"]["JobShape"][];
        };
        /** ClusterKeyShape */
        ClusterKeyShape: {
            /** Cluster Id */
            cluster_id: string;
            /** Created At */
            created_at: string;
            /** Expires At */
            expires_at: string | null;
            /** Id */
            id: string;
            /** Last Used At */
            last_used_at: string | null;
            /** Name */
            name: string;
            /** Prefix */
            prefix: string;
            scope: components["schemas"]["KeyScope"];
        };
        /** ClusterNodesShape */
        ClusterNodesShape: {
            /** Cluster Nodes */
            cluster_nodes: components["schemas"]["NodeShape"][];
        };
        /** ClusterShape */
        ClusterShape: {
            /** Cluster Description */
            cluster_description: string | null;
            /** Cluster Id */
            cluster_id: string;
            /** Cluster Name */
            cluster_name: string;
        };
        /** ClustersShape */
        ClustersShape: {
            /** Clusters */
            clusters: components["schemas"]["ClusterSummaryShape"][];
        };
        /** ClusterSummaryShape */
        ClusterSummaryShape: {
            /** Busy Nodes */
            busy_nodes: number;
            /** Cluster Description */
            cluster_description: string | null;
            /** Cluster Id */
            cluster_id: string;
            /** Cluster Name */
            cluster_name: string;
            /** Total Nodes */
            total_nodes: number;
            /** Total Running Jobs */
            total_running_jobs: number;
        };
        /** ClusterUsageShape */
        ClusterUsageShape: {
            /** @description What jobs hold now, used or not. */
            allocated: components["schemas"]["Amounts"];
            capacity: components["schemas"]["Amounts"];
            /** Cluster Id */
            cluster_id: string;
            /** Cluster Name */
            cluster_name: string;
            /** Samples */
            samples: components["schemas"]["NodeUsageSample"][];
            /** Since */
            since: string;
            /** Step S */
            step_s: number;
            /** Until */
            until: string;
        };
        /** CpuInfo */
        CpuInfo: {
            /** Total Millicores */
            total_millicores: number;
            /** Used Millicores */
            used_millicores: number;
        };
        /** CreatedJobShape */
        CreatedJobShape: {
            /**
             * Array
             * @description Of an array: its indices.
             */
            array?: string | null;
            /** Created At */
            created_at: string;
            /** Definition */
            definition: string;
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Node Id */
            node_id: string | null;
            /** Queue Id */
            queue_id: string;
            resource_requirements: components["schemas"]["Needs"];
            status: components["schemas"]["JobState"];
            /** Updated At */
            updated_at: string;
        };
        /** CreatedJobsShape */
        CreatedJobsShape: {
            /** Jobs */
            jobs: components["schemas"]["CreatedShape"][];
        };
        /** CreatedShape */
        CreatedShape: {
            /** Id */
            id: string;
            /** Name */
            name: string;
        };
        /**
         * DependencyBody
         * @description A job that must have ended before this one gets in line.
         */
        DependencyBody: {
            /** @default success */
            condition?: components["schemas"]["DependencyCondition"];
            /**
             * Job Id
             * @description Id or name; in a list also #2 for its third entry. Of an array, all of it.
             */
            job_id: string;
        };
        /**
         * DependencyCondition
         * @description What must become of another job before this one may start.
         * @enum {string}
         */
        DependencyCondition: "success" | "failure" | "any";
        /** DifferenceShape */
        DifferenceShape: {
            /** After */
            after: string | null;
            /**
             * Before
             * @description When it starts as things are.
             */
            before: string | null;
            /** Job Id */
            job_id: string;
            /** Job Name */
            job_name: string | null;
            /** Queue Id */
            queue_id: string;
        };
        /**
         * Dimension
         * @enum {string}
         */
        Dimension: "cpu" | "memory" | "gpu" | "replicas";
        /**
         * DrainBody
         * @description When what still runs on the node is stopped and queued again; neither: never.
         */
        DrainBody: {
            /**
             * Deadline S
             * @description Seconds from now.
             */
            deadline_s?: number | null;
            /**
             * Evict
             * @description At once; the same as a deadline of 0 seconds.
             * @default false
             */
            evict?: boolean;
        };
        /** ElementsShape */
        ElementsShape: {
            array: components["schemas"]["ArrayFacts"];
            /** Array Id */
            array_id: string;
            /** Jobs */
            jobs: components["schemas"]["JobShape"][];
            /** Next */
            next: string | null;
        };
        Error: {
            /** @description A stable word for programs. */
            code: string;
            /** @description One sentence for people. */
            error: string;
            /** @description The field that is wrong, where it is one. */
            field?: string | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * EventKind
         * @enum {string}
         */
        EventKind: "job.submitted" | "job.assigned" | "job.running" | "job.requeued" | "job.preempted" | "job.resized" | "job.changed" | "job.released" | "array.started" | "array.cancelled" | "array.ended" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.exec_opened" | "job.exec_closed" | "replica.changed" | "node.joined" | "node.changed" | "node.lost" | "node.back" | "cluster.created" | "cluster.deleted" | "queue.created" | "queue.changed" | "queue.deleted" | "user.created" | "user.changed" | "user.deleted" | "user.logged_in" | "user.login_failed" | "key.created" | "key.deleted" | "secret.set" | "secret.deleted" | "volume.created" | "volume.deleted" | "volume.data_deleted" | "server.started";
        /** EventShape */
        EventShape: {
            /** Actor */
            actor: string;
            /** At */
            at: string;
            /** Cluster Id */
            cluster_id: string | null;
            /** Data */
            data: {
                [key: string]: unknown;
            };
            /** Job Id */
            job_id: string | null;
            kind: components["schemas"]["EventKind"];
            /** Node Id */
            node_id: string | null;
            /** Queue Id */
            queue_id: string | null;
            /** Seq */
            seq: number;
            /** User Id */
            user_id: string | null;
        };
        /** EventsShape */
        EventsShape: {
            /** Events */
            events: components["schemas"]["EventShape"][];
            /** Next */
            next: string | null;
        };
        /** ExpiringKey */
        ExpiringKey: {
            /**
             * Cluster Id
             * @description Whose agents use it; null for the caller's own.
             */
            cluster_id: string | null;
            /** Expires At */
            expires_at: string;
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Prefix */
            prefix: string;
        };
        /** ExplanationShape */
        ExplanationShape: {
            /** Best Node */
            best_node: string | null;
            /**
             * Code
             * @description Why it waits; of a job that does not wait, its state.
             */
            code: components["schemas"]["ReasonCode"] | components["schemas"]["JobState"];
            /** Expected Start */
            expected_start: string | null;
            /** Expected Start Note */
            expected_start_note: string | null;
            /** Holders */
            holders: components["schemas"]["HolderShape"][];
            /** Job Id */
            job_id: string;
            /** Job Name */
            job_name: string;
            job_status: components["schemas"]["JobState"];
            /** Jobs Ahead */
            jobs_ahead: number;
            /** Message */
            message: string;
            /** Nodes */
            nodes: components["schemas"]["NodeAnswer"][];
            /** Position */
            position: number | null;
            smallest_change: components["schemas"]["SmallestChange"] | null;
        };
        /**
         * FailureReason
         * @description Why an attempt or a replica did not succeed; decides whether trying again can help.
         * @enum {string}
         */
        FailureReason: "error" | "out_of_memory" | "image" | "start" | "engine" | "vanished" | "node_lost" | "gpu_lost" | "time_limit" | "cancelled" | "preempted" | "drained" | "peer" | "dependency";
        /** Foretold */
        Foretold: {
            /** @description Why it would wait. */
            code: components["schemas"]["ReasonCode"] | null;
            /** Message */
            message: string | null;
            /**
             * Nodes
             * @description Where it would start now.
             */
            nodes: components["schemas"]["NamedNode"][];
            /**
             * Preempts
             * @description The jobs that would make room for it, of those that the caller may see.
             */
            preempts: string[];
            /**
             * Preempts Others
             * @description How many jobs besides would make room for it.
             */
            preempts_others: number;
            /**
             * Start
             * @description The latest to expect; null if it can never start, or nobody knows.
             */
            start: string | null;
            /** Starts Now */
            starts_now: boolean;
        };
        /** Free */
        Free: {
            /** Cpu Millicores */
            cpu_millicores: number;
            /** Gpus */
            gpus: number;
            /** Memory Mb */
            memory_mb: number;
        };
        /** GpuInfo */
        GpuInfo: {
            /** Total Gpus */
            total_gpus: number;
            /** Used Gpus */
            used_gpus: number;
        };
        /** GpuNeeds */
        GpuNeeds: {
            /** Count */
            count: number;
            /** Memory Gb */
            memory_gb: number | null;
            /** Model */
            model: string | null;
        };
        /**
         * GpuRequirements
         * @description GPUs per replica.
         */
        GpuRequirements: {
            /**
             * Count
             * @description How many, all on one node.
             */
            count: number;
            /**
             * Memory Gb
             * @description Least memory of each, in GB.
             */
            memory_gb?: number | null;
            /**
             * Model
             * @description Words that the device's name must contain, such as H100.
             */
            model?: string | null;
        };
        /** HealthShape */
        HealthShape: {
            /** Leader */
            leader?: boolean | null;
            /** Status */
            status: string;
            /** Version */
            version: string;
        };
        /** HolderShape */
        HolderShape: {
            /**
             * Ends At
             * @description By its time limit; null if it has none.
             */
            ends_at: string | null;
            /** Job Id */
            job_id: string;
            /** Job Name */
            job_name: string | null;
            /** Node Name */
            node_name: string | null;
        };
        /** InLineShape */
        InLineShape: {
            code: components["schemas"]["ReasonCode"] | null;
            /** Expected Start */
            expected_start: string | null;
            /** Job Id */
            job_id: string;
            /** Job Name */
            job_name: string | null;
            /** Message */
            message: string | null;
            /** Owner */
            owner: string | null;
            /** Position */
            position: number;
            /** Priority */
            priority: number;
        };
        /**
         * InUse
         * @description What jobs hold that run or are being started.
         */
        InUse: {
            /** Cpu Millicores */
            cpu_millicores: number;
            /** Gpus */
            gpus: number;
            /** Memory Mb */
            memory_mb: number;
            /** Running Jobs */
            running_jobs: number;
        };
        /** JobDependency */
        JobDependency: {
            condition: components["schemas"]["DependencyCondition"];
            /** Job Id */
            job_id: string;
        };
        /** JobDetailShape */
        JobDetailShape: {
            /** After */
            after: components["schemas"]["JobDependency"][];
            /** Args */
            args: string[];
            array: components["schemas"]["ArrayFacts"] | null;
            /** Array Id */
            array_id: string | null;
            /** Array Index */
            array_index: number | null;
            /** Attempt */
            attempt: number;
            /** Attempts */
            attempts: components["schemas"]["AttemptShape"][];
            /** Command */
            command: string[] | null;
            /** Created At */
            created_at: string;
            /** Definition */
            definition: string;
            /**
             * Env
             * @description For the owner and administrators only.
             */
            env: {
                [key: string]: string;
            } | null;
            /** Exclusive */
            exclusive: boolean;
            /** Exit Code */
            exit_code: number | null;
            /** Finished At */
            finished_at: string | null;
            /** Grace S */
            grace_s: number;
            /** Job Id */
            job_id: string;
            /** Job Name */
            job_name: string;
            job_status: components["schemas"]["JobState"];
            kind: components["schemas"]["JobKind"];
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Max Retries */
            max_retries: number;
            /** Message */
            message: string | null;
            /** Node Id */
            node_id: string | null;
            /** Node Name */
            node_name: string | null;
            /** Node Selector */
            node_selector: {
                [key: string]: string;
            };
            /**
             * Owner
             * @description null when the account is gone.
             */
            owner: string | null;
            /** Ports */
            ports: components["schemas"]["JobPort"][];
            /** Preemptible */
            preemptible: boolean;
            /** Priority */
            priority: number;
            progress: components["schemas"]["JobProgress"] | null;
            /** Queue Id */
            queue_id: string;
            /**
             * Queue Name
             * @description null when the queue is gone.
             */
            queue_name: string | null;
            reason: components["schemas"]["FailureReason"] | null;
            resource_requirements: components["schemas"]["Needs"];
            /** Retries */
            retries: number;
            /** Retries Allowed */
            retries_allowed: {
                [key: string]: number;
            };
            /** Retries Used */
            retries_used: {
                [key: string]: number;
            };
            /** Retry Of */
            retry_of: string | null;
            runtime: components["schemas"]["RuntimeName"];
            /** Secrets */
            secrets: components["schemas"]["JobSecret"][];
            size: components["schemas"]["JobSize"];
            /** Started At */
            started_at: string | null;
            /** Stop Signal */
            stop_signal: string;
            /** Time Limit S */
            time_limit_s: number | null;
            /** Updated At */
            updated_at: string;
            /** Volumes */
            volumes: components["schemas"]["JobVolume"][];
            /** @description Why it waits, if it does. */
            waiting: components["schemas"]["WaitingShape"] | null;
            waterfall: components["schemas"]["Waterfall"];
            /** Working Dir */
            working_dir: string | null;
        };
        /** JobEventsShape */
        JobEventsShape: {
            /** Events */
            events: components["schemas"]["EventShape"][];
        };
        /** JobInfo */
        JobInfo: {
            /** Total Running Jobs */
            total_running_jobs: number;
        };
        /**
         * JobKind
         * @enum {string}
         */
        JobKind: "batch" | "elastic" | "pod";
        /** JobPort */
        JobPort: {
            /** Name */
            name: string;
            /** Port */
            port: number;
            /** Protocol */
            protocol: string;
        };
        /** JobProgress */
        JobProgress: {
            /** Done */
            done: number;
            /**
             * Step
             * @example pull
             */
            step: string;
            /**
             * Total
             * @description null while nobody knows.
             */
            total: number | null;
        };
        /** JobReplicaShape */
        JobReplicaShape: {
            /** Exit Code */
            exit_code: number | null;
            /** Finished At */
            finished_at: string | null;
            /** Gpu Uuids */
            gpu_uuids: string[];
            /** Log Bytes */
            log_bytes: number;
            /** Message */
            message: string | null;
            /** Node Id */
            node_id: string;
            /** Node Name */
            node_name: string | null;
            /**
             * Ports
             * @description By port and protocol, such as 8080/tcp.
             */
            ports: {
                [key: string]: components["schemas"]["ReplicaPort"];
            };
            /** Rank */
            rank: number;
            reason: components["schemas"]["FailureReason"] | null;
            /** Started At */
            started_at: string | null;
            state: components["schemas"]["ReplicaState"];
            /** Stop Wanted */
            stop_wanted: boolean;
            usage: components["schemas"]["ReplicaUsage"] | null;
        };
        /** JobSecret */
        JobSecret: {
            /** Env */
            env: string | null;
            /** File */
            file: string | null;
            /** Name */
            name: string;
        };
        /** JobsEnded */
        JobsEnded: {
            /** Cancelled */
            cancelled: number;
            /** Failed */
            failed: number;
            /** Succeeded */
            succeeded: number;
        };
        /** JobShape */
        JobShape: {
            /** After */
            after: components["schemas"]["JobDependency"][];
            /** Args */
            args: string[];
            array: components["schemas"]["ArrayFacts"] | null;
            /** Array Id */
            array_id: string | null;
            /** Array Index */
            array_index: number | null;
            /** Attempt */
            attempt: number;
            /** Command */
            command: string[] | null;
            /** Created At */
            created_at: string;
            /** Definition */
            definition: string;
            /**
             * Env
             * @description For the owner and administrators only.
             */
            env: {
                [key: string]: string;
            } | null;
            /** Exclusive */
            exclusive: boolean;
            /** Exit Code */
            exit_code: number | null;
            /** Finished At */
            finished_at: string | null;
            /** Grace S */
            grace_s: number;
            /** Job Id */
            job_id: string;
            /** Job Name */
            job_name: string;
            job_status: components["schemas"]["JobState"];
            kind: components["schemas"]["JobKind"];
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Max Retries */
            max_retries: number;
            /** Message */
            message: string | null;
            /** Node Id */
            node_id: string | null;
            /** Node Name */
            node_name: string | null;
            /** Node Selector */
            node_selector: {
                [key: string]: string;
            };
            /**
             * Owner
             * @description null when the account is gone.
             */
            owner: string | null;
            /** Ports */
            ports: components["schemas"]["JobPort"][];
            /** Preemptible */
            preemptible: boolean;
            /** Priority */
            priority: number;
            progress: components["schemas"]["JobProgress"] | null;
            /** Queue Id */
            queue_id: string;
            /**
             * Queue Name
             * @description null when the queue is gone.
             */
            queue_name: string | null;
            reason: components["schemas"]["FailureReason"] | null;
            resource_requirements: components["schemas"]["Needs"];
            /** Retries */
            retries: number;
            /** Retries Allowed */
            retries_allowed: {
                [key: string]: number;
            };
            /** Retries Used */
            retries_used: {
                [key: string]: number;
            };
            /** Retry Of */
            retry_of: string | null;
            runtime: components["schemas"]["RuntimeName"];
            /** Secrets */
            secrets: components["schemas"]["JobSecret"][];
            size: components["schemas"]["JobSize"];
            /** Started At */
            started_at: string | null;
            /** Stop Signal */
            stop_signal: string;
            /** Time Limit S */
            time_limit_s: number | null;
            /** Updated At */
            updated_at: string;
            /** Volumes */
            volumes: components["schemas"]["JobVolume"][];
            waterfall: components["schemas"]["Waterfall"];
            /** Working Dir */
            working_dir: string | null;
        };
        /** JobSize */
        JobSize: {
            /** Max */
            max: number;
            /** Min */
            min: number;
        };
        /** JobsNow */
        JobsNow: {
            /** Running */
            running: number;
            /** Starting */
            starting: number;
            /** Waiting */
            waiting: number;
        };
        /** JobsShape */
        JobsShape: {
            /** Jobs */
            jobs: components["schemas"]["ListedJobShape"][];
            /**
             * Next
             * @description What to give as `after` for the following page.
             */
            next: string | null;
        };
        /**
         * JobState
         * @description The words that users see, as on the wire.
         * @enum {string}
         */
        JobState: "queued" | "starting" | "running" | "succeeded" | "failed" | "cancelled";
        /** JobUsageShape */
        JobUsageShape: {
            /** Attempt */
            attempt: number;
            /** Job Id */
            job_id: string;
            /** Rank */
            rank: number | null;
            /**
             * Replicas
             * @description Peaks and means of each replica over its whole life.
             */
            replicas: components["schemas"]["UsageFigures"][];
            /** Samples */
            samples: components["schemas"]["UsageSample"][];
            /** Since */
            since: string;
            /** Step S */
            step_s: number;
            /** Until */
            until: string;
        };
        /** JobVolume */
        JobVolume: {
            /** Host Path */
            host_path: string | null;
            /** Name */
            name: string | null;
            /** Path */
            path: string;
            /** Read Only */
            read_only: boolean;
        };
        /**
         * KeyScope
         * @description How much of its holder's rights an API key carries; each includes the one before.
         * @enum {string}
         */
        KeyScope: "read" | "submit" | "admin";
        /** KeyShape */
        KeyShape: {
            /** Created At */
            created_at: string;
            /** Expires At */
            expires_at: string | null;
            /** Id */
            id: string;
            /** Last Used At */
            last_used_at: string | null;
            /** Name */
            name: string;
            /** Prefix */
            prefix: string;
            scope: components["schemas"]["KeyScope"];
        };
        /**
         * LimitsBody
         * @description The most of each at once; null or left out is no limit.
         */
        LimitsBody: {
            /** Cpu Millicores */
            cpu_millicores?: number | null;
            /** Gpus */
            gpus?: number | null;
            /**
             * Memory Mb
             * @description MiB.
             */
            memory_mb?: number | null;
            /** Running Jobs */
            running_jobs?: number | null;
            /**
             * Waiting Jobs
             * @description More are refused at submission.
             */
            waiting_jobs?: number | null;
        };
        /** LineShape */
        LineShape: {
            /** Jobs */
            jobs: components["schemas"]["InLineShape"][];
            /** Waiting Jobs */
            waiting_jobs: number;
        };
        /** ListedJobShape */
        ListedJobShape: {
            /** After */
            after: components["schemas"]["JobDependency"][];
            /** Args */
            args: string[];
            array: components["schemas"]["ArrayFacts"] | null;
            /** Array Id */
            array_id: string | null;
            /** Array Index */
            array_index: number | null;
            /** Attempt */
            attempt: number;
            /** Command */
            command: string[] | null;
            /** Created At */
            created_at: string;
            /** Definition */
            definition: string;
            /**
             * Env
             * @description For the owner and administrators only.
             */
            env: {
                [key: string]: string;
            } | null;
            /** Exclusive */
            exclusive: boolean;
            /** Exit Code */
            exit_code: number | null;
            /** Finished At */
            finished_at: string | null;
            /** Grace S */
            grace_s: number;
            /** Job Id */
            job_id: string;
            /** Job Name */
            job_name: string;
            job_status: components["schemas"]["JobState"];
            kind: components["schemas"]["JobKind"];
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Max Retries */
            max_retries: number;
            /** Message */
            message: string | null;
            /** Node Id */
            node_id: string | null;
            /** Node Name */
            node_name: string | null;
            /** Node Selector */
            node_selector: {
                [key: string]: string;
            };
            /**
             * Owner
             * @description null when the account is gone.
             */
            owner: string | null;
            /** Ports */
            ports: components["schemas"]["JobPort"][];
            /** Preemptible */
            preemptible: boolean;
            /** Priority */
            priority: number;
            progress: components["schemas"]["JobProgress"] | null;
            /** Queue Id */
            queue_id: string;
            /**
             * Queue Name
             * @description null when the queue is gone.
             */
            queue_name: string | null;
            reason: components["schemas"]["FailureReason"] | null;
            resource_requirements: components["schemas"]["Needs"];
            /** Retries */
            retries: number;
            /** Retries Allowed */
            retries_allowed: {
                [key: string]: number;
            };
            /** Retries Used */
            retries_used: {
                [key: string]: number;
            };
            /** Retry Of */
            retry_of: string | null;
            runtime: components["schemas"]["RuntimeName"];
            /** Secrets */
            secrets: components["schemas"]["JobSecret"][];
            size: components["schemas"]["JobSize"];
            /** Started At */
            started_at: string | null;
            /** Stop Signal */
            stop_signal: string;
            /** Time Limit S */
            time_limit_s: number | null;
            /** Updated At */
            updated_at: string;
            /** Volumes */
            volumes: components["schemas"]["JobVolume"][];
            /** @description Why it waits, where that was asked for and is known. */
            waiting?: components["schemas"]["WhyShape"] | null;
            waterfall: components["schemas"]["Waterfall"];
            /** Working Dir */
            working_dir: string | null;
        };
        /** LoginBody */
        LoginBody: {
            /** Password */
            password: string;
            /** Username */
            username: string;
        };
        /** LostNode */
        LostNode: {
            /** Cluster Id */
            cluster_id: string;
            /** Id */
            id: string;
            /** Last Heartbeat */
            last_heartbeat: string;
            /** Name */
            name: string;
        };
        /** LowDisk */
        LowDisk: {
            /** Free Mb */
            free_mb: number;
            /** Node Id */
            node_id: string;
            /** Node Name */
            node_name: string;
            /** Total Mb */
            total_mb: number;
        };
        /** MemoryInfo */
        MemoryInfo: {
            /** Total Memory Mb */
            total_memory_mb: number;
            /** Used Memory Mb */
            used_memory_mb: number;
        };
        /** MoreNodes */
        MoreNodes: {
            /**
             * Count
             * @default 1
             */
            count?: number;
            /**
             * Like
             * @description Id or name of a node.
             */
            like: string;
        };
        /**
         * MoveJob
         * @description Another place in line for a job that waits. What is left out stays.
         */
        MoveJob: {
            /**
             * Priority
             * @description Within its queue; higher first.
             */
            priority?: number | null;
            /**
             * Queue Id
             * @description Id or name of another queue.
             */
            queue_id?: string | null;
        };
        /** NamedNode */
        NamedNode: {
            /** Id */
            id: string;
            /** Name */
            name: string | null;
        };
        /** Needs */
        Needs: {
            /** Cpu Millicores */
            cpu_millicores: number;
            gpus: components["schemas"]["GpuNeeds"] | null;
            /** Memory Mb */
            memory_mb: number;
        };
        /** NewClusterBody */
        NewClusterBody: {
            /** Cluster Description */
            cluster_description?: string | null;
            /** Cluster Name */
            cluster_name: string;
        };
        /** NewKeyShape */
        NewKeyShape: {
            /** Created At */
            created_at: string;
            /** Expires At */
            expires_at: string | null;
            /** Id */
            id: string;
            /**
             * Key
             * @description The key itself, shown only here.
             */
            key: string;
            /** Name */
            name: string;
            /** Prefix */
            prefix: string;
            scope: components["schemas"]["KeyScope"];
        };
        /** NewUserBody */
        NewUserBody: {
            /** First Name */
            first_name?: string | null;
            /** Last Name */
            last_name?: string | null;
            /** Password */
            password: string;
            /** @default member */
            role?: components["schemas"]["Role"];
            /** Username */
            username: string;
        };
        /** NodeAmounts */
        NodeAmounts: {
            /** Cpu Millicores */
            cpu_millicores: number;
            /** Gpu Memory Mb */
            gpu_memory_mb: number;
            /** Gpus */
            gpus: number;
            /** Memory Mb */
            memory_mb: number;
        };
        /** NodeAnswer */
        NodeAnswer: {
            /**
             * Fits
             * @description How many replicas have room there now.
             */
            fits: number;
            /** Node Name */
            node_name: string;
            /** Shortages */
            shortages: components["schemas"]["ShortageShape"][];
            /**
             * Unsuitable
             * @description Why it can never run there.
             */
            unsuitable: string | null;
        };
        /** NodeChanges */
        NodeChanges: {
            /**
             * Labels
             * @description Labels to set over those of the agent; null takes back what was set.
             */
            labels?: {
                [key: string]: string | null;
            };
        };
        /** NodeCpu */
        NodeCpu: {
            /** Architecture */
            architecture: string;
            /** Manufacturer */
            manufacturer: string;
            /** Millicores */
            millicores: number;
        };
        /** NodeDisk */
        NodeDisk: {
            /** Free Mb */
            free_mb: number;
            /** Total Mb */
            total_mb: number;
        };
        /** NodeGpu */
        NodeGpu: {
            /** Compute Capability */
            compute_capability: string | null;
            /** Healthy */
            healthy: boolean;
            /**
             * Job Id
             * @description The job that holds it.
             */
            job_id: string | null;
            /**
             * Job Name
             * @description Of that job, if the caller may see it.
             */
            job_name?: string | null;
            /**
             * Lost
             * @description Whether it does not answer any more, so that what ran on it was failed.
             */
            lost: boolean;
            /** Memory Mb */
            memory_mb: number;
            /**
             * Mig
             * @description The profile of a MIG device, such as 1g.5gb.
             */
            mig: string | null;
            /** Model */
            model: string;
            /**
             * Owner
             * @description Of that job, if the caller may see it.
             */
            owner?: string | null;
            /**
             * Parent
             * @description The GPU that a MIG device is a part of.
             */
            parent: string | null;
            /** Pci Bus Id */
            pci_bus_id: string | null;
            /**
             * Problem
             * @description Why it is unhealthy.
             */
            problem: string | null;
            /**
             * Used Memory Mb
             * @description What of its memory is in use now, if that is known.
             */
            used_memory_mb?: number | null;
            /**
             * Utilization Pct
             * @description Its load now, if that is known.
             */
            utilization_pct?: number | null;
            /** Uuid */
            uuid: string;
        };
        /** NodeGpuSummary */
        NodeGpuSummary: {
            /** Count */
            count: number;
            /** Manufacturer */
            manufacturer: string;
            /** Memory Mb */
            memory_mb: number;
            /** Model */
            model: string;
        };
        /** NodeShape */
        NodeShape: {
            /** Agent Version */
            agent_version: string;
            /** Cluster Id */
            cluster_id: string;
            cpu: components["schemas"]["NodeCpu"];
            disk: components["schemas"]["NodeDisk"] | null;
            /** Drain Deadline */
            drain_deadline: string | null;
            /** Drained */
            drained: boolean;
            /**
             * Drivers
             * @description Versions of the NVIDIA driver and of the newest CUDA it serves.
             */
            drivers: {
                [key: string]: string;
            };
            /**
             * Features
             * @description What its agent knows of what jobs may ask; `limits`: jobs are kept to what they asked for.
             */
            features: string[];
            free: components["schemas"]["Free"];
            gpu: components["schemas"]["NodeGpuSummary"] | null;
            /** Gpus */
            gpus: components["schemas"]["NodeGpu"][];
            /** Hostname */
            hostname: string;
            /** Id */
            id: string;
            /** Jobs */
            jobs: string[];
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Last Heartbeat */
            last_heartbeat: string;
            /** Memory Mb */
            memory_mb: number;
            /** Name */
            name: string;
            node_status: components["schemas"]["NodeState"];
            /** Runtimes */
            runtimes: components["schemas"]["RuntimeName"][];
            /** Set Labels */
            set_labels: {
                [key: string]: string;
            };
        };
        /** NodesNow */
        NodesNow: {
            /** Available */
            available: number;
            /** Busy */
            busy: number;
            /** Draining */
            draining: number;
            /** Lost */
            lost: number;
        };
        /** NodesShape */
        NodesShape: {
            /** Nodes */
            nodes: components["schemas"]["NodeShape"][];
        };
        /**
         * NodeState
         * @enum {string}
         */
        NodeState: "available" | "busy" | "draining" | "lost";
        /** NodeUsageSample */
        NodeUsageSample: {
            /** @description What jobs held then, used or not; null where nobody noted it. */
            allocated?: components["schemas"]["Amounts"] | null;
            /** At */
            at: string;
            /** Cpu Millicores */
            cpu_millicores: number;
            /**
             * Gpu Memory Mb
             * @description The sum of its GPUs.
             */
            gpu_memory_mb: number | null;
            /**
             * Gpu Utilization Pct
             * @description The mean of its GPUs.
             */
            gpu_utilization_pct: number | null;
            /** Memory Mb */
            memory_mb: number;
        };
        /** NodeUsageShape */
        NodeUsageShape: {
            capacity: components["schemas"]["NodeAmounts"];
            /** Node Id */
            node_id: string;
            /** Node Name */
            node_name: string;
            /** Samples */
            samples: components["schemas"]["NodeUsageSample"][];
            /** Since */
            since: string;
            /** Step S */
            step_s: number;
            /** Until */
            until: string;
        };
        /** OtherPriority */
        OtherPriority: {
            /** Job */
            job: string;
            /** Priority */
            priority: number;
        };
        /** OthersShape */
        OthersShape: {
            /** Earlier */
            earlier: number;
            /** Later */
            later: number;
        };
        /** OverviewShape */
        OverviewShape: {
            /** @description What jobs hold now, used or not. */
            allocated: components["schemas"]["Amounts"];
            /** At */
            at: string;
            /** @description Of all nodes that are not lost. */
            capacity: components["schemas"]["Amounts"];
            jobs: components["schemas"]["JobsNow"];
            last_day: components["schemas"]["JobsEnded"];
            nodes: components["schemas"]["NodesNow"];
            /** Unhealthy Gpus */
            unhealthy_gpus: number;
        };
        /** OwnProfileShape */
        OwnProfileShape: {
            /** First Name */
            first_name: string | null;
            /** Last Name */
            last_name: string | null;
            role: components["schemas"]["Role"];
            /** @description How much of the role the credential of this call carries. */
            scope: components["schemas"]["KeyScope"];
            /** User Id */
            user_id: string;
            /** Username */
            username: string;
        };
        /** PasswordBody */
        PasswordBody: {
            /** New Password */
            new_password: string;
            /** Old Password */
            old_password: string;
        };
        /** PausedQueue */
        PausedQueue: {
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Waiting Jobs */
            waiting_jobs: number;
        };
        /** PlacesShape */
        PlacesShape: {
            /** Job Id */
            job_id: string;
            /** Nodes */
            nodes: string[];
        };
        /** PlanShape */
        PlanShape: {
            /** At */
            at: string | null;
            /** Blocked */
            blocked: components["schemas"]["BlockedShape"][];
            /** Blocked Shapes */
            blocked_shapes: number;
            /** Grows */
            grows: components["schemas"]["PlacesShape"][];
            /** Making Room For */
            making_room_for: string | null;
            /** Passes */
            passes: number;
            /** Preemptions */
            preemptions: string[];
            /** Running */
            running: number;
            /** Shrinks */
            shrinks: components["schemas"]["ShrinkShape"][];
            /** Starts */
            starts: components["schemas"]["PlacesShape"][];
            /** Waiting */
            waiting: number;
        };
        /** PolicyShape */
        PolicyShape: {
            /**
             * First Administrator
             * @description What the first start called its administrator.
             */
            first_administrator: string;
            /**
             * First Run
             * @description Whether there is no account yet but the first administrator's.
             */
            first_run: boolean;
            /**
             * Hint
             * @description Where the first administrator finds the password, in the first run.
             */
            hint: string | null;
            /** Password Max Length */
            password_max_length: number;
            /** Password Min Length */
            password_min_length: number;
            /**
             * Sign Up
             * @description Whether anybody may make an account.
             */
            sign_up: boolean;
            /**
             * Sign Up Names
             * @description Whether only certain names may.
             */
            sign_up_names: boolean;
        };
        /**
         * PortOfJob
         * @description A port on which the job listens.
         */
        PortOfJob: {
            /**
             * Name
             * @description Told in LILAC_PORT_<NAME>.
             * @default
             */
            name?: string;
            /** Port */
            port: number;
            /**
             * Protocol
             * @default tcp
             */
            protocol?: string;
        };
        /** QueueBody */
        QueueBody: {
            /**
             * Ageing S
             * @description The queue counts as one priority number lower for each such time that its first job waited.
             */
            ageing_s?: number | null;
            /**
             * Cluster Targets
             * @description Ids or names of clusters, in order of preference.
             */
            cluster_targets: string[];
            /** @description For the queue as a whole; null for none. */
            limits?: components["schemas"]["LimitsBody"] | null;
            /** Name */
            name: string;
            /** @description Who goes first among jobs of equal priority. */
            order?: components["schemas"]["QueueOrder"] | null;
            /**
             * Paused
             * @description Whether new jobs of this queue are held back.
             */
            paused?: boolean | null;
            /**
             * Preemption
             * @description Whether elastic and preemptible jobs of lower priority make room for its jobs.
             */
            preemption?: boolean | null;
            /**
             * Priority
             * @description A lower number runs first.
             */
            priority: number;
            /** @description For each user in the queue; null for none. */
            user_limits?: components["schemas"]["LimitsBody"] | null;
        };
        /**
         * QueueChanges
         * @description Some new values; what is left out stays as it is.
         */
        QueueChanges: {
            /**
             * Ageing S
             * @description The queue counts as one priority number lower for each such time that its first job waited.
             */
            ageing_s?: number | null;
            /**
             * Cluster Targets
             * @description Ids or names of clusters, in order of preference.
             */
            cluster_targets?: string[] | null;
            /** @description For the queue as a whole; null for none. */
            limits?: components["schemas"]["LimitsBody"] | null;
            /** Name */
            name?: string | null;
            /** @description Who goes first among jobs of equal priority. */
            order?: components["schemas"]["QueueOrder"] | null;
            /**
             * Paused
             * @description Whether new jobs of this queue are held back.
             */
            paused?: boolean | null;
            /**
             * Preemption
             * @description Whether elastic and preemptible jobs of lower priority make room for its jobs.
             */
            preemption?: boolean | null;
            /**
             * Priority
             * @description A lower number runs first.
             */
            priority?: number | null;
            /** @description For each user in the queue; null for none. */
            user_limits?: components["schemas"]["LimitsBody"] | null;
        };
        /** QueueJobsShape */
        QueueJobsShape: {
            /** Jobs */
            jobs: components["schemas"]["JobShape"][];
        };
        /**
         * QueueOrder
         * @description Who goes first among jobs of equal priority in a queue.
         * @enum {string}
         */
        QueueOrder: "fifo" | "fair";
        /** QueueShape */
        QueueShape: {
            /** Ageing S */
            ageing_s: number | null;
            /** Cluster Targets */
            cluster_targets: string[];
            /** Id */
            id: string;
            in_use: components["schemas"]["InUse"];
            limits: components["schemas"]["LimitsBody"];
            /** Name */
            name: string;
            order: components["schemas"]["QueueOrder"];
            /** Paused */
            paused: boolean;
            /** Preemption */
            preemption: boolean;
            /** Priority */
            priority: number;
            user_limits: components["schemas"]["LimitsBody"];
            /** Waiting Jobs */
            waiting_jobs: number;
            /**
             * Waiting Since
             * @description When the job was submitted that has waited longest.
             */
            waiting_since: string | null;
        };
        /**
         * ReasonCode
         * @description Why, in one word.
         * @enum {string}
         */
        ReasonCode: "no_queue" | "queue_paused" | "no_nodes" | "never_fits" | "unavailable" | "resources" | "gang" | "reserved" | "limit" | "making_room" | "dependency" | "pause" | "array_limit" | "array_order" | "previous_attempt" | "ready";
        /** ReplicaPort */
        ReplicaPort: {
            /** Address */
            address: string;
            /** Host */
            host: string;
            /** Port */
            port: number;
        };
        /** ReplicaShape */
        ReplicaShape: {
            /** Address */
            address: string;
            /** Id */
            id: string;
            /** Leader */
            leader: boolean;
            /** Name */
            name: string;
            /** Seen At */
            seen_at: string;
            /** Started At */
            started_at: string;
            /** Version */
            version: string;
        };
        /** ReplicasShape */
        ReplicasShape: {
            /** Epoch */
            epoch: number;
            /** Leading Since */
            leading_since: string | null;
            /** Replicas */
            replicas: components["schemas"]["ReplicaShape"][];
        };
        /**
         * ReplicaState
         * @description One container or process. It holds its resources until a terminal state.
         * @enum {string}
         */
        ReplicaState: "assigned" | "preparing" | "running" | "succeeded" | "failed" | "stopped" | "lost";
        /** ReplicaUsage */
        ReplicaUsage: {
            /** Cpu Millicores Max */
            cpu_millicores_max: number;
            /** Cpu Millicores Mean */
            cpu_millicores_mean: number;
            /** Gpu Memory Mb Max */
            gpu_memory_mb_max: number | null;
            /** Gpu Utilization Pct Mean */
            gpu_utilization_pct_mean: number | null;
            /** Memory Mb Max */
            memory_mb_max: number;
        };
        /**
         * ResourceRequirements
         * @description What one replica needs.
         */
        ResourceRequirements: {
            /**
             * Cpu Millicores
             * @description 1000 is one core.
             */
            cpu_millicores: number;
            gpus?: components["schemas"]["GpuRequirements"] | null;
            /**
             * Memory Mb
             * @description MiB.
             */
            memory_mb: number;
        };
        /**
         * RetriesBody
         * @description New attempts by the class of the failure. What is left out is 0, and for node_lost `max_retries`.
         */
        RetriesBody: {
            /**
             * Error
             * @description Another exit code than 0, or it could not be started.
             */
            error?: number | null;
            /**
             * Image
             * @description The image could not be pulled.
             */
            image?: number | null;
            /**
             * Node Lost
             * @description The node went silent, the engine failed, the replica vanished.
             */
            node_lost?: number | null;
            /** Out Of Memory */
            out_of_memory?: number | null;
        };
        /**
         * Role
         * @description What a person may do: admins everything, members their own work, viewers look.
         * @enum {string}
         */
        Role: "admin" | "member" | "viewer";
        /**
         * RuntimeName
         * @description How a node can run a replica: in a container of a Docker engine, or as plain processes.
         * @enum {string}
         */
        RuntimeName: "docker" | "process";
        /** SecretBody */
        SecretBody: {
            /**
             * Shared
             * @description For everybody; administrators only.
             * @default false
             */
            shared?: boolean;
            /**
             * Value
             * @description Never given back.
             */
            value: string;
        };
        /**
         * SecretOfJob
         * @description A secret by name, as a variable or as a file below /run/secrets.
         */
        SecretOfJob: {
            /**
             * Env
             * @description The variable that holds it.
             */
            env?: string | null;
            /**
             * File
             * @description Its file's name below /run/secrets (LILAC_SECRETS_DIR).
             */
            file?: string | null;
            /** Name */
            name: string;
        };
        /** SecretShape */
        SecretShape: {
            /** Created At */
            created_at: string;
            /** Name */
            name: string;
            /** Shared */
            shared: boolean;
            /** Updated At */
            updated_at: string;
        };
        /** SecretsShape */
        SecretsShape: {
            /** Secrets */
            secrets: components["schemas"]["SecretShape"][];
        };
        /** SessionShape */
        SessionShape: {
            /**
             * Expires At
             * @description When the credential ends; a browser renews it before.
             */
            expires_at: string | null;
            /** First Name */
            first_name: string | null;
            /** Last Name */
            last_name: string | null;
            role: components["schemas"]["Role"];
            /** @description How much of the role the credential of this call carries. */
            scope: components["schemas"]["KeyScope"];
            /**
             * Session Ends At
             * @description When a browser has to sign in again unless it renews; null for others.
             */
            session_ends_at: string | null;
            /** User Id */
            user_id: string;
            /** Username */
            username: string;
        };
        /** SetStatus */
        SetStatus: {
            status: components["schemas"]["JobState"];
        };
        /** ShortageShape */
        ShortageShape: {
            dimension: components["schemas"]["Dimension"];
            /** Free */
            free: number;
            /** Needed */
            needed: number;
        };
        /** ShrinkShape */
        ShrinkShape: {
            /** Job Id */
            job_id: string;
            /** Ranks */
            ranks: number[];
        };
        /** SignUpBody */
        SignUpBody: {
            /** First Name */
            first_name?: string | null;
            /** Last Name */
            last_name?: string | null;
            /** Password */
            password: string;
            /** Username */
            username: string;
        };
        /**
         * Size
         * @description How many replicas.
         */
        Size: {
            /**
             * Max
             * @description Equal to min unless the job is elastic.
             */
            max?: number | null;
            /**
             * Min
             * @default 1
             */
            min?: number;
        };
        /** SmallestChange */
        SmallestChange: {
            /** Text */
            text: string;
        };
        /** StateCounts */
        StateCounts: {
            /** Cancelled */
            cancelled: number;
            /** Failed */
            failed: number;
            /** Queued */
            queued: number;
            /** Running */
            running: number;
            /** Starting */
            starting: number;
            /** Succeeded */
            succeeded: number;
        };
        /** StuckJob */
        StuckJob: {
            code: components["schemas"]["ReasonCode"];
            /**
             * Job Id
             * @description The first of them, or their array.
             */
            job_id: string;
            /** Job Name */
            job_name: string | null;
            /**
             * Jobs
             * @description So many of this owner wait for the same.
             */
            jobs: number;
            /** Message */
            message: string;
            /** Owner */
            owner: string | null;
            /** Queue Id */
            queue_id: string;
            /** Queue Name */
            queue_name: string | null;
        };
        /**
         * SubmitJob
         * @description A new job.
         */
        SubmitJob: {
            /** After */
            after?: components["schemas"]["DependencyBody"][];
            /**
             * Args
             * @description Appended to command; without one, arguments for the image's entry point.
             */
            args?: string[];
            /**
             * Array
             * @description Indices of an array of such jobs: 0-9999, 1,3,5-9, or 0-99%10 for at most 10 at once.
             */
            array?: string | null;
            /**
             * Command
             * @description Replaces the image's entry point and command.
             */
            command?: string[] | null;
            /**
             * Definition
             * @description Docker image; may be empty for runtime process.
             */
            definition: string;
            /** Env */
            env?: {
                [key: string]: string;
            };
            /**
             * Exclusive
             * @description Never two attempts at once: it is stopped where it cannot reach the control plane.
             * @default false
             */
            exclusive?: boolean;
            /**
             * Grace S
             * @description Between the stop signal and SIGKILL.
             * @default 30
             */
            grace_s?: number;
            /** @default batch */
            kind?: components["schemas"]["JobKind"];
            /** Labels */
            labels?: {
                [key: string]: string;
            };
            /**
             * Max Retries
             * @description New attempts after a node was lost and the like.
             * @default 3
             */
            max_retries?: number;
            /** Name */
            name: string;
            /** Node Selector */
            node_selector?: {
                [key: string]: string;
            };
            /** Ports */
            ports?: components["schemas"]["PortOfJob"][];
            /**
             * Preemptible
             * @description Whether it may be stopped and queued again so that a job of higher priority can start.
             * @default false
             */
            preemptible?: boolean;
            /**
             * Priority
             * @description Within its queue; higher first.
             * @default 0
             */
            priority?: number;
            /**
             * Queue Id
             * @description Id or name of a queue.
             */
            queue_id: string;
            resource_requirements: components["schemas"]["ResourceRequirements"];
            /** @description New attempts by the class of the failure. */
            retries?: components["schemas"]["RetriesBody"] | null;
            /** @default docker */
            runtime?: components["schemas"]["RuntimeName"];
            /** Secrets */
            secrets?: components["schemas"]["SecretOfJob"][];
            size?: components["schemas"]["Size"];
            /**
             * Stop Signal
             * @description One of SIGABRT, SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH.
             * @default SIGTERM
             */
            stop_signal?: string;
            /**
             * Strict
             * @description Refuse what no node could ever run, instead of waiting.
             * @default false
             */
            strict?: boolean;
            /** Time Limit S */
            time_limit_s?: number | null;
            /** Volumes */
            volumes?: components["schemas"]["VolumeOfJob"][];
            /** Working Dir */
            working_dir?: string | null;
        };
        /**
         * SubmitJobs
         * @description Many new jobs: all of them, or none.
         */
        SubmitJobs: {
            /** Jobs */
            jobs: components["schemas"]["SubmitJob"][];
        };
        /** SummaryShape */
        SummaryShape: {
            counts: components["schemas"]["StateCounts"];
            /** Total */
            total: number;
        };
        /** TokenShape */
        TokenShape: {
            /** Access Token */
            access_token: string;
            /**
             * Token Type
             * @example Bearer
             */
            token_type: string;
        };
        /** UnhealthyGpu */
        UnhealthyGpu: {
            /** Lost */
            lost: boolean;
            /** Model */
            model: string;
            /** Node Id */
            node_id: string;
            /** Node Name */
            node_name: string;
            /** Problem */
            problem: string | null;
            /** Uuid */
            uuid: string;
        };
        /** UsageFigures */
        UsageFigures: {
            /** Cpu Millicores Max */
            cpu_millicores_max: number;
            /** Cpu Millicores Mean */
            cpu_millicores_mean: number;
            /** Gpu Memory Mb Max */
            gpu_memory_mb_max: number | null;
            /** Gpu Utilization Pct Mean */
            gpu_utilization_pct_mean: number | null;
            /** Memory Mb Max */
            memory_mb_max: number;
            /** Rank */
            rank: number;
        };
        /** UsageSample */
        UsageSample: {
            /** At */
            at: string;
            /** Cpu Millicores */
            cpu_millicores: number;
            /**
             * Gpu Memory Mb
             * @description The sum of its GPUs.
             */
            gpu_memory_mb: number | null;
            /**
             * Gpu Utilization Pct
             * @description The mean of its GPUs.
             */
            gpu_utilization_pct: number | null;
            /** Memory Mb */
            memory_mb: number;
        };
        /** UserChangesBody */
        UserChangesBody: {
            /** Disabled */
            disabled?: boolean | null;
            /** First Name */
            first_name?: string | null;
            /** Last Name */
            last_name?: string | null;
            /** Password */
            password?: string | null;
            role?: components["schemas"]["Role"] | null;
        };
        /** UserIdShape */
        UserIdShape: {
            /** User Id */
            user_id: string;
        };
        /** UserShape */
        UserShape: {
            /** Created At */
            created_at: string;
            /** Disabled */
            disabled: boolean;
            /** First Name */
            first_name: string | null;
            /** Last Name */
            last_name: string | null;
            role: components["schemas"]["Role"];
            /** User Id */
            user_id: string;
            /** Username */
            username: string;
        };
        /** UsersShape */
        UsersShape: {
            /** Users */
            users: components["schemas"]["UserShape"][];
        };
        /** VersionShape */
        VersionShape: {
            /** Version */
            version: string;
        };
        /** VolumeBody */
        VolumeBody: {
            /**
             * Name
             * @description 1 to 63 letters, digits or any of . _ -
             */
            name: string;
        };
        /**
         * VolumeOfJob
         * @description A named volume, or a path of the node that its agent allows.
         */
        VolumeOfJob: {
            /** Host Path */
            host_path?: string | null;
            /**
             * Name
             * @description One of one's own volumes; made if there is none of this name.
             */
            name?: string | null;
            /**
             * Path
             * @description Where the job finds it.
             */
            path: string;
            /**
             * Read Only
             * @default false
             */
            read_only?: boolean;
        };
        /** VolumeShape */
        VolumeShape: {
            /** Created At */
            created_at: string;
            /** Id */
            id: string;
            /** Last Used At */
            last_used_at: string | null;
            /** Name */
            name: string;
            /**
             * Node Id
             * @description Where its data is; null until a job uses it.
             */
            node_id: string | null;
            /** Node Name */
            node_name: string | null;
            /**
             * Node State
             * @description The state of that node; `removed` where the platform has forgotten it.
             */
            node_state: string | null;
            /** Owner */
            owner: string | null;
        };
        /** VolumesShape */
        VolumesShape: {
            /** Volumes */
            volumes: components["schemas"]["VolumeShape"][];
        };
        /** WaitingShape */
        WaitingShape: {
            code: components["schemas"]["ReasonCode"];
            /** Expected Start */
            expected_start: string | null;
            /** Message */
            message: string;
            /** Smallest Change */
            smallest_change: string | null;
        };
        /**
         * Waterfall
         * @description When the steps of the last attempt were, in seconds since the epoch; what has not happened is left out.
         */
        Waterfall: {
            /** Assigned */
            assigned?: number | null;
            /** Created */
            created?: number | null;
            /** Exited */
            exited?: number | null;
            /** Finished */
            finished?: number | null;
            /** Planned */
            planned?: number | null;
            /** Pull Finished */
            pull_finished?: number | null;
            /** Pull Started */
            pull_started?: number | null;
            /** Received */
            received?: number | null;
            /** Running Reported */
            running_reported?: number | null;
            /** Started */
            started?: number | null;
            /** Submitted */
            submitted?: number | null;
        };
        /**
         * WhatIfBody
         * @description What shall be different; all of it together. Jobs and nodes by id or name.
         */
        WhatIfBody: {
            /**
             * Add Nodes
             * @description So many more nodes like these.
             */
            add_nodes?: components["schemas"]["MoreNodes"][];
            /**
             * Cancel
             * @description These jobs are cancelled.
             */
            cancel?: string[];
            /**
             * Drain
             * @description These nodes are drained.
             */
            drain?: string[];
            /**
             * Priorities
             * @description These jobs get other priorities.
             */
            priorities?: components["schemas"]["OtherPriority"][];
            /** @description This job is submitted. */
            submit?: components["schemas"]["SubmitJob"] | null;
        };
        /** WhatIfShape */
        WhatIfShape: {
            /**
             * Jobs
             * @description Jobs that the caller may see and that start at another time.
             */
            jobs: components["schemas"]["DifferenceShape"][];
            /**
             * Left Out
             * @description Waiting jobs at the end of the line that were not looked at.
             */
            left_out: number;
            /**
             * More
             * @description How many more of these there are.
             */
            more: number;
            /** Now */
            now: string;
            others: components["schemas"]["OthersShape"];
            /** @description About the job in `submit`. */
            submitted: components["schemas"]["Foretold"] | null;
        };
        /**
         * WhichJobs
         * @description Jobs that match all that is given; at least one must be.
         */
        WhichJobs: {
            kind?: components["schemas"]["JobKind"] | null;
            /** Labels */
            labels?: {
                [key: string]: string;
            };
            /** Name */
            name?: string | null;
            /** Owner */
            owner?: string | null;
            /**
             * Q
             * @description Text in the name.
             */
            q?: string | null;
            /** Queue Id */
            queue_id?: string | null;
            /** Status */
            status?: components["schemas"]["JobState"][] | null;
        };
        /** WhyShape */
        WhyShape: {
            code: components["schemas"]["ReasonCode"];
            /** Message */
            message: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listOwnKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyShape"][];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createOwnKey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** Format: date-time */
                    expires_at?: string | null;
                    name?: string | null;
                    /** @enum {string|null} */
                    scope?: "read" | "submit" | "admin" | null;
                };
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewKeyShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteOwnKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                key_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getOwnAccount: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OwnProfileShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    changeOwnPassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Too many failures; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not now; trying again later is right. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getAttention: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AttentionShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Too many failures; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not now; trying again later is right. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    getSignInPolicy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyShape"];
                };
            };
        };
    };
    getSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    openSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Too many failures; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not now; trying again later is right. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    closeSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    renewSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    signUp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignUpBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserIdShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not now; trying again later is right. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listClusters: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClustersShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createCluster: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewClusterBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClusterIdShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getCluster: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                cluster: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClusterShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteCluster: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                cluster: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listClusterKeys: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                cluster: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClusterKeyShape"][];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createClusterKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                cluster: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** Format: date-time */
                    expires_at?: string | null;
                    name?: string | null;
                    /** @enum {string|null} */
                    scope?: "read" | "submit" | "admin" | null;
                };
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewKeyShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteClusterKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                cluster: string;
                key_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getClusterInfo: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                cluster: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClusterInfoShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listClusterJobs: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                cluster: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClusterJobsShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listClusterNodes: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                cluster: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClusterNodesShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    get_cluster_usage: {
        parameters: {
            query?: {
                /** @description Seconds since the epoch; by default an hour ago. */
                since?: number | null;
                /** @description Seconds that make one sample. */
                step?: number | null;
                /** @description Seconds since the epoch; by default now. */
                until?: number | null;
            };
            header?: never;
            path: {
                cluster: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClusterUsageShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listEvents: {
        parameters: {
            query?: {
                /** @description Who did it: user:NAME, node:ID, cluster:ID or system. */
                actor?: string | null;
                after?: number | null;
                /** @description Of the events before this one, the newest. */
                before?: number | null;
                cluster_id?: string | null;
                job_id?: string | null;
                /** @description One kind or several, separated by commas. */
                kind?: string | null;
                limit?: number;
                node_id?: string | null;
                queue_id?: string | null;
                /** @description Not before this time (RFC 3339). */
                since?: string | null;
                /** @description Before this time (RFC 3339). */
                until?: string | null;
                /** @description Whom it is about; of a job, the owner. */
                user_id?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventsShape"];
                    "text/event-stream": string;
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthShape"];
                };
            };
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthShape"];
                };
            };
            /** @description Not now; trying again later is right. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    get_metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    append_replica_output: {
        parameters: {
            query: {
                end?: boolean;
                offset: number;
            };
            header?: never;
            path: {
                attempt: number;
                job_id: string;
                node_id: string;
                rank: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    report_node_status: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    report_node_usage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listNodes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodesShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getNode: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    removeNode: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    editNode: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NodeChanges"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    drainNode: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["DrainBody"] | null;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listNodeEvents: {
        parameters: {
            query?: {
                after?: number | null;
                limit?: number;
            };
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventsShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listNodeJobs: {
        parameters: {
            query?: {
                /** @description The `next` of the page before. */
                before?: number | null;
                limit?: number;
            };
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobsShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    resumeNode: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    get_node_usage: {
        parameters: {
            query?: {
                /** @description Seconds since the epoch; by default an hour ago. */
                since?: number | null;
                /** @description Seconds that make one sample. */
                step?: number | null;
                /** @description Seconds since the epoch; by default now. */
                until?: number | null;
            };
            header?: never;
            path: {
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeUsageShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getOverview: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OverviewShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getPlan: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PlanShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getSnapshot: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listQueues: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueShape"][];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createQueue: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["QueueBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getQueue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                queue: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    replaceQueue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                queue: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["QueueBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteQueue: {
        parameters: {
            query?: {
                cancel_waiting?: boolean;
            };
            header?: never;
            path: {
                queue: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    editQueue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                queue: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["QueueChanges"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listQueueJobs: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                queue: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueJobsShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getLine: {
        parameters: {
            query?: {
                limit?: number;
            };
            header?: never;
            path: {
                queue: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LineShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    pauseQueue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                queue: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    resumeQueue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                queue: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listReplicas: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReplicasShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listSecrets: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SecretsShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    setSecret: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SecretBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SecretShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteSecret: {
        parameters: {
            query?: {
                shared?: boolean;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    list_jobs: {
        parameters: {
            query?: {
                /** @description `next` of the page before. */
                after?: string | null;
                /** @description An array: its elements that have begun. */
                array?: string | null;
                /** @description One or several ids, with commas between. */
                id?: string | null;
                kind?: components["schemas"]["JobKind"] | null;
                /** @description key=value; may be given several times. */
                label?: string[] | null;
                limit?: number;
                name?: string | null;
                /** @description Id or name of a node: jobs whose first replica is there. */
                node?: string | null;
                /** @description A user's name, or me. */
                owner?: string | null;
                /** @description Text in the name, in any case. */
                q?: string | null;
                /** @description Id or name of a queue. */
                queue_id?: string | null;
                /** @description Submitted at this time or later (RFC 3339). */
                since?: string | null;
                /** @description One or several states, with commas between. */
                status?: string | null;
                /** @description Submitted before this time (RFC 3339). */
                until?: string | null;
                /** @description Tell in short why those wait that do. */
                waiting?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobsShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    submit_job: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SubmitJob"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedJobShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    set_job_status: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SetStatus"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    get_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobDetailShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    move_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MoveJob"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobDetailShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    cancel_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    list_elements: {
        parameters: {
            query?: {
                /** @description `next` of the page before. */
                after?: string | null;
                limit?: number;
                /** @description One or several states, with commas between. */
                status?: string | null;
            };
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ElementsShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    list_job_events: {
        parameters: {
            query?: {
                after?: number;
                limit?: number;
            };
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobEventsShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    explain_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExplanationShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    read_job_logs: {
        parameters: {
            query?: {
                attempt?: number | null;
                /** @description All that is kept, as a file; no other range. */
                download?: boolean;
                /** @description With follow: end where bytes were not kept, instead of saying so there. */
                exact?: boolean;
                follow?: boolean;
                limit?: number;
                /** @description Where to begin; negative counts from the end. */
                offset?: number;
                rank?: number;
            };
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                    "text/plain": string;
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    append_job_logs: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AppendLogs"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    retry_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedJobShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    get_job_usage: {
        parameters: {
            query?: {
                attempt?: number | null;
                /** @description By default all replicas together. */
                rank?: number | null;
                /** @description Seconds since the epoch; by default an hour ago. */
                since?: number | null;
                /** @description Seconds that make one sample. */
                step?: number | null;
                /** @description Seconds since the epoch; by default now. */
                until?: number | null;
            };
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobUsageShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    wait_for_job: {
        parameters: {
            query?: {
                timeout_s?: number;
            };
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobDetailShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    submit_jobs: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SubmitJobs"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedJobsShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    cancel_jobs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CancelJobs"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CancelledShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    summarize_jobs: {
        parameters: {
            query?: {
                /** @description An array: its elements that have begun. */
                array?: string | null;
                /** @description One or several ids, with commas between. */
                id?: string | null;
                kind?: components["schemas"]["JobKind"] | null;
                /** @description key=value; may be given several times. */
                label?: string[] | null;
                name?: string | null;
                /** @description Id or name of a node: jobs whose first replica is there. */
                node?: string | null;
                /** @description A user's name, or me. */
                owner?: string | null;
                /** @description Text in the name, in any case. */
                q?: string | null;
                /** @description Id or name of a queue. */
                queue_id?: string | null;
                /** @description Submitted at this time or later (RFC 3339). */
                since?: string | null;
                /** @description One or several states, with commas between. */
                status?: string | null;
                /** @description Submitted before this time (RFC 3339). */
                until?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SummaryShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listUsers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UsersShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createUser: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewUserBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not now; trying again later is right. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    changeUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserChangesBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not possible in the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description Not now; trying again later is right. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listUserKeys: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyShape"][];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteUserKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                key_id: string;
                user: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getVersion: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VersionShape"];
                };
            };
        };
    };
    listVolumes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VolumesShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createVolume: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VolumeBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VolumeShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getVolume: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                volume: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VolumeShape"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteVolume: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                volume: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    whatIf: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WhatIfBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WhatIfShape"];
                };
            };
            /** @description The body is not valid JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description No credential, or one that is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The caller lacks the right. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The body is not JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description A value is wrong; `field` names it. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
}
type FlattenedDeepRequired<T> = {
    [K in keyof T]-?: FlattenedDeepRequired<T[K] extends unknown[] | undefined | null ? Extract<T[K], unknown[]>[number] : T[K]>;
};
type ReadonlyArray<T> = [
    Exclude<T, undefined>
] extends [
    unknown[]
] ? Readonly<Exclude<T, undefined>> : Readonly<Exclude<T, undefined>[]>;
export const attemptStateValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["AttemptState"]> = ["starting", "running", "succeeded", "failed", "cancelled", "lost", "preempted"];
export const dependencyConditionValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["DependencyCondition"]> = ["success", "failure", "any"];
export const dimensionValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["Dimension"]> = ["cpu", "memory", "gpu", "replicas"];
export const eventKindValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["EventKind"]> = ["job.submitted", "job.assigned", "job.running", "job.requeued", "job.preempted", "job.resized", "job.changed", "job.released", "array.started", "array.cancelled", "array.ended", "job.succeeded", "job.failed", "job.cancelled", "job.exec_opened", "job.exec_closed", "replica.changed", "node.joined", "node.changed", "node.lost", "node.back", "cluster.created", "cluster.deleted", "queue.created", "queue.changed", "queue.deleted", "user.created", "user.changed", "user.deleted", "user.logged_in", "user.login_failed", "key.created", "key.deleted", "secret.set", "secret.deleted", "volume.created", "volume.deleted", "volume.data_deleted", "server.started"];
export const failureReasonValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["FailureReason"]> = ["error", "out_of_memory", "image", "start", "engine", "vanished", "node_lost", "gpu_lost", "time_limit", "cancelled", "preempted", "drained", "peer", "dependency"];
export const jobKindValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["JobKind"]> = ["batch", "elastic", "pod"];
export const jobStateValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["JobState"]> = ["queued", "starting", "running", "succeeded", "failed", "cancelled"];
export const keyScopeValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["KeyScope"]> = ["read", "submit", "admin"];
export const nodeStateValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["NodeState"]> = ["available", "busy", "draining", "lost"];
export const queueOrderValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["QueueOrder"]> = ["fifo", "fair"];
export const reasonCodeValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["ReasonCode"]> = ["no_queue", "queue_paused", "no_nodes", "never_fits", "unavailable", "resources", "gang", "reserved", "limit", "making_room", "dependency", "pause", "array_limit", "array_order", "previous_attempt", "ready"];
export const replicaStateValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["ReplicaState"]> = ["assigned", "preparing", "running", "succeeded", "failed", "stopped", "lost"];
export const roleValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["Role"]> = ["admin", "member", "viewer"];
export const runtimeNameValues: ReadonlyArray<FlattenedDeepRequired<components>["schemas"]["RuntimeName"]> = ["docker", "process"];
